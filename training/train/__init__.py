"""One training run: recipe, loop, checkpoints, history."""
