"""Who listens, and what each may do."""
