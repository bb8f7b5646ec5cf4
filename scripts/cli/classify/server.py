"""Asks the gateway. Blocking, for a pool of threads: a tenth of the processor time of an asynchronous HTTP client.

docs/experiments.md has the comparison; on one machine with the server every millisecond of the client is the server's
loss.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

import urllib3

from scripts.cli.classify.outcome import Answered, Failed

_RETRY_AFTER_SECONDS = 1.0
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 60.0
#: What waiting and asking again may mend.
_PASSING = frozenset({408, 429, 503, 504})
#: What will be the same for every photo.
_HOPELESS = frozenset({401, 404})


class ServerError(Exception):
    """The server can not be asked at all; the text says what to do."""


class UnknownModelError(ServerError):
    """The server has no model of this name; the text names those that it has."""


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the server's list of models; the accuracy is that of the card's test list."""

    name: str
    ready: bool
    classes: tuple[str, ...]
    accuracy: float


@dataclass(frozen=True, slots=True)
class Busy:
    """The server asks to come back after some seconds; `failure` is what to report once nobody wants to wait."""

    seconds: float
    failure: Failed


class Server:
    """The gateway at a URL, over one kept connection for each thread that asks."""

    def __init__(self, url: str, *, api_key: str | None, connections: int) -> None:
        """Prepares; the first question connects.

        Raises:
            ServerError: the URL is none.
        """
        self.url = url.rstrip("/")
        try:
            parsed = urllib3.util.parse_url(self.url)
        except urllib3.exceptions.LocationParseError as error:
            raise ServerError(f"{url} is no URL; it looks like http://localhost:8080.") from error
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ServerError(f"{url} is no URL; it looks like http://localhost:8080.")
        headers = {"User-Agent": "bin-it-right", "Accept": "application/json"}
        if api_key:
            headers["X-API-Key"] = api_key
        self._pool = urllib3.connection_from_url(
            self.url,
            maxsize=connections,
            block=True,
            headers=headers,
            retries=False,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_ANSWER_SECONDS),
        )
        self._path = parsed.path or ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def models(self) -> list[Model]:
        """The models that the server has.

        Raises:
            ServerError: nobody answers, or not as this server would.
        """
        try:
            response = self._pool.request("GET", f"{self._path}/models")
            if response.status != HTTPStatus.OK:
                raise ServerError(f"{self.url} refuses: {_problem(response)[1]}")
            entries = response.json()["models"]
            return [_model(entry) for entry in entries]
        except urllib3.exceptions.HTTPError as error:
            raise ServerError(
                f"No server answers at {self.url}. Start one with `bin-it-right serve`, or name it with --server."
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise ServerError(f"{self.url} answers, but is no gateway of this project.") from error

    def classify(self, model: str, file: str, photo: bytes) -> Answered | Failed | Busy:
        """Sends one photo.

        Raises:
            ServerError: the server refuses this and every other photo.
        """
        try:
            response = self._pool.request(
                "POST", f"{self._path}/{model}/predict", fields={"file": ("photo", photo, "application/octet-stream")}
            )
        except urllib3.exceptions.HTTPError as error:
            failure = Failed(file, None, "No answer", f"The server does not answer: {type(error).__name__}.")
            return Busy(_RETRY_AFTER_SECONDS, failure)
        if response.status == HTTPStatus.OK:
            answer = json.loads(response.data)
            not_sure = response.headers.get("X-Confidence") == "low"
            return Answered(file, answer["pred_class"], answer["classes"], not_sure)
        title, detail = _problem(response)
        if response.status in _HOPELESS:
            raise ServerError(f"{title}. {detail}")
        failure = Failed(file, response.status, title, detail)
        if response.status in _PASSING:
            return Busy(_seconds(response.headers.get("Retry-After")), failure)
        return failure


def _model(entry: dict[str, Any]) -> Model:
    accuracy = entry["metrics"].get("test", {}).get("accuracy", 0.0)
    return Model(entry["name"], entry["ready"], tuple(entry["classes"]), accuracy)


def _problem(response: urllib3.BaseHTTPResponse) -> tuple[str, str]:
    """Title and detail of a problem document, or of whatever came in its place."""
    try:
        document: dict[str, Any] = json.loads(response.data)
        return str(document["title"]), str(document["detail"])
    except (ValueError, KeyError, TypeError):
        return f"Status {response.status}", "The answer is no problem document: is there a proxy before the server?"


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isdecimal() else _RETRY_AFTER_SECONDS
