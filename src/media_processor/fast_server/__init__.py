"""The fast server: takes pictures, tells what became of them."""
