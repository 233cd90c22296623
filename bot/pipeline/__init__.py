"""The life of an alert, one stage a file."""
