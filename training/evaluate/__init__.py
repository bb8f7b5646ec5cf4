"""Measures weights: calibration, metrics, reports, the model card, the gate to the released weights."""
