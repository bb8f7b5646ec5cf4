"""Everything that knows Triton: the client, its errors, the labels and the readiness."""
