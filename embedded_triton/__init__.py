"""Runs the real Triton server that the nvidia-pytriton wheel carries, without Docker and with or without a GPU.

``install`` finds the server, checks the model repository and prepares folders, arguments and environment; ``process``
starts programs that cannot outlive their starter, and cleans up after them; ``server`` starts and stops one server;
``supervisor`` keeps it answering. ``backends`` stands in for NVIDIA's native DALI and PyTorch backends, which
the wheel does not carry.
"""
