"""Measures a list of photos through the real gateway and Triton, and compares with the network alone."""
