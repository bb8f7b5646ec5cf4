"""A rolling update of real Triton servers under load, on one machine, step by step as Kubernetes does it.

The servers listen on addresses of their own on the loopback. A small DNS server stands for the headless Service: an
address in it is a pod that is ready. What is shown is that no accepted request is lost.
"""
