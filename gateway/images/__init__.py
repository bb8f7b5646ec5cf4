"""Inspects image files without decoding them, and prepares them for Triton's decoder."""
