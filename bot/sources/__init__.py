"""Where quotes, bars and stories come from."""
