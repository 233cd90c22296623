"""The terminal that Marketbell was started in."""
