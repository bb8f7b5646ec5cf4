"""The command line: the one place where gateway, training and embedded Triton meet."""
