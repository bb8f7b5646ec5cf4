"""The ``dali`` backend: decodes and resizes images."""
