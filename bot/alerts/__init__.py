"""What happened, as facts, and what became of telling it."""
