"""The ``pytorch`` backend: computes networks."""
