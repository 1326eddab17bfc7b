"""The gateway: takes pictures, tells what became of them."""
