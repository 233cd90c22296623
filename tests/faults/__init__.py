"""The fault matrix: real processes that are killed, stopped and cut off, and what must hold all the same.

``python -m tests.faults`` runs all of it, ``--short`` what the ordinary test run takes part in.
"""
