"""Checks the documents: every link leads somewhere, every command block that can run runs."""
