"""What can go wrong with the embedded server, each with its remedy.

EmbeddedTritonError
├── UnsupportedPlatformError   the wheel's server runs on Linux x86-64 only
├── WheelMissingError          nvidia-pytriton is not installed, or not whole
├── PythonUnsupportedError     the wheel has no backend stub for this Python, or the stub cannot be loaded
├── RepositoryError            the model repository lacks something that the server needs
├── PortBusyError              another process listens where the server should
└── ServerStartError           the server ended or did not answer while it was starting
"""


class EmbeddedTritonError(Exception):
    """Base of all: ``str()`` is one sentence on what is wrong, and one on what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


class UnsupportedPlatformError(EmbeddedTritonError):
    """The wheel's server does not run on this operating system or CPU."""


class WheelMissingError(EmbeddedTritonError):
    """The wheel that carries the server is not installed, or not whole."""


class PythonUnsupportedError(EmbeddedTritonError):
    """The backends cannot run on this Python."""


class RepositoryError(EmbeddedTritonError):
    """The model repository lacks something that the server needs."""


class PortBusyError(EmbeddedTritonError):
    """Another process listens where the server should."""


class ServerStartError(EmbeddedTritonError):
    """The server ended, or did not answer, while it was starting."""
