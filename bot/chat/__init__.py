"""What a chat may ask, the same on every platform."""
