"""The documentation that the gateway serves about itself: the OpenAPI document and the page at /docs."""
