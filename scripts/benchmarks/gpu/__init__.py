"""What one machine with an NVIDIA GPU serves, measured by one command; runs on a CPU too, in a small way."""
