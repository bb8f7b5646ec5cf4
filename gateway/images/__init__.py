"""Looks at an image file without decoding it, and converts the few kinds that Triton's decoder does not take."""
