"""Measures a split through the real gateway and Triton, and compares with the network alone."""
