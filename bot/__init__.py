"""Marketbell: hear once, at once and correctly when something matters in the market."""
