"""What Redis holds: one file a concept, each change of it a script in one slot."""
