"""Starts programs that cannot outlive their starter, watches them, and cleans up after them."""
