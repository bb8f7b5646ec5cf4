"""The client of Triton: its calls and their errors, the models' descriptions and readiness."""
