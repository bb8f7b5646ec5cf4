"""The two model types that users know, and what Triton calls their networks."""

#: Model type, as in the URL, to the Triton model that serves the bare network.
NETWORK_MODELS = {"raw": "raw_cnn", "pretrained": "resnet50"}
