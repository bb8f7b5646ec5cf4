"""Classifies an image, free of HTTP and of gRPC."""
