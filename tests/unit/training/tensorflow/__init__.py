"""Tests of training in TensorFlow; they skip where it is not installed."""
