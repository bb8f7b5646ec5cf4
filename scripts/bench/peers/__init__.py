"""What a user would take instead of Triton, each written as its friends would: same weights, same photos, same path.

Every peer answers ``POST /{raw|pretrained}/predict`` with the field ``file``, as the gateway does, and has no checks,
no limits and no metrics, so that nothing but the way of serving is compared.
"""
