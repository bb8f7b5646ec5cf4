"""A check-list for a machine with Docker and an NVIDIA GPU: NVIDIA's own container on this repository's models."""
