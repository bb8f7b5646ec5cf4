"""The HTTP gateway: a multipart upload in, one gRPC call to Triton, the classes' probabilities out."""
