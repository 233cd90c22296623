"""Loopback servers that stand in for the world and enforce its rules."""
