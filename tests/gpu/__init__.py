"""Tests that need an NVIDIA GPU; they skip aloud elsewhere."""
