"""Alternatives to the service, each written as its users would: same weights, same photos, same path.

Every baseline answers ``POST /{raw|pretrained}/predict`` with the field ``file``, as the gateway does. None has checks,
limits or metrics, so that nothing but the way of serving is compared.
"""
