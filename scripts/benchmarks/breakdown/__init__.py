"""Where the time of a request goes: latency by step, and CPU time by process."""
