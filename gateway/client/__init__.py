"""A Python client of the gateway, for threads (`Client`) and for asyncio (`AsyncClient`). docs/clients.md shows both.

It needs httpx2 and imports nothing of the server. Its calls raise

    ClientError
    ├── Unreachable     nobody answers at the URL, or no gateway does
    └── Refused         the gateway answered with a problem document
"""

from gateway.client.calls import PASSING
from gateway.client.clients import AsyncClient, Client
from gateway.client.types import ClientError, Explanation, Model, Photo, Prediction, Refused, Unreachable

__all__ = (
    "PASSING",
    "AsyncClient",
    "Client",
    "ClientError",
    "Explanation",
    "Model",
    "Photo",
    "Prediction",
    "Refused",
    "Unreachable",
)
