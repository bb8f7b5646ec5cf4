"""Choices for training and thresholds, made by leaving out one place after the other."""
