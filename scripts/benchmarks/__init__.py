"""Benchmarks that a person runs; each ends with one JSON line."""
