"""The command line, and what measures, checks and documents the project."""
