"""Coverage-guided fuzzing of what reads the bytes of clients, by atheris (libFuzzer for Python)."""
