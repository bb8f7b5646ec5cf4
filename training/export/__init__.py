"""From released weights to the model repository: TorchScript, configurations, labels."""
