"""What Marketbell costs in time and memory, measured on made-up markets; docs/bench.md says how."""
