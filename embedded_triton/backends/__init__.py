"""Python-based backends of Triton: stand-ins for its native ``dali`` and ``pytorch`` backends.

Triton's stub imports them in the environment of this project; ``backend_folder`` writes the ``model.py`` that it asks
for. ``triton_python_backend_utils`` exists in the stub's process only.
"""
