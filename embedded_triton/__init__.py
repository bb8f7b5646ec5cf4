"""Runs the real Triton server that the nvidia-pytriton wheel carries, without Docker and with or without a GPU.

``wheel`` finds it, ``backend_folder``, ``environment`` and ``arguments`` prepare it, ``server`` starts and stops it on
a ``leash`` that a ``reaper`` holds, ``probe`` asks it, and ``supervisor`` keeps it answering. ``backends`` holds what
stands in for NVIDIA's native DALI and PyTorch backends, which the wheel does not carry.
"""
