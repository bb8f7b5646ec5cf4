"""What a command's exit status means; wrong usage is 2 and an interruption 130, as everywhere."""

FAILED = 1
NO_SERVER = 3
INTERRUPTED = 130
