"""Marketbell's delivery in simulated time, on a real server: a session of trouble in half a second."""
