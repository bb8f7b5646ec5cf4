"""Clients that make load, and what they send."""
