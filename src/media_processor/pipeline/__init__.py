"""How a picture moves on: what a failed attempt means, and what brings stuck pictures back."""
