"""A client's calls without input and output: what is asked, when it is asked again, and what the answers mean."""

import ipaddress
import time
from collections.abc import Generator
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote

import httpx2

from gateway.client.photos import File
from gateway.client.types import Explanation, Model, Prediction, Refused, Unreachable

#: Statuses that waiting and asking again may mend.
PASSING: Final = frozenset({408, 429, 503, 504})
_PAUSE_SECONDS = 1.0  # where no Retry-After says how long
_TIMEOUT = httpx2.Timeout(60.0, connect=5.0)
_TOO_LARGE = 413
_BYTES = "application/octet-stream"
_AS_NEEDED = httpx2.Limits(max_connections=None, max_keepalive_connections=None)

_T = TypeVar("_T")
Outcome = httpx2.Response | httpx2.TransportError
# Yields requests to send and seconds to wait, is sent what became of each request, and returns the answer.
Steps = Generator[httpx2.Request | float, Outcome | None, _T]


class Calls:
    """What questions look like, what answers mean, and when to ask again: the same for both clients."""

    def __init__(self, url: str, api_key: str | None, patience: float) -> None:
        self._url = url.rstrip("/")
        self._patience = patience
        self.batch_limits: tuple[int, int] | None = None  # files and bytes of a form
        try:
            parsed = httpx2.URL(self._url)
        except httpx2.InvalidURL:
            parsed = httpx2.URL()
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise Unreachable(f"{url} is no URL; it looks like http://localhost:8080.")
        self._headers = {"User-Agent": "bin-it-right", "Accept": "application/json"}
        self._headers |= {"X-API-Key": api_key} if api_key else {}
        # A proxy that the environment names is for other machines.
        trust_env = not _is_loopback(parsed.host)
        self.options: dict[str, Any] = {"timeout": _TIMEOUT, "limits": _AS_NEEDED, "trust_env": trust_env}

    def models(self) -> Steps[list[Model]]:
        """Ask for the models, once."""
        response = yield from self._ask(self._request("GET", "models"), patience=0)
        document = self._json(response)
        try:
            limits = document["limits"]
            self.batch_limits = limits["max_batch_files"], limits["max_batch_body_bytes"]
            return [_model(entry) for entry in document["models"]]
        except (KeyError, TypeError, AttributeError) as exc:
            raise self._no_gateway() from exc

    def predict(self, model: str, file: str | None, content: bytes) -> Steps[Prediction]:
        """Ask for the class of a photo."""
        response = yield from self._ask(self._photo(f"{_segment(model)}/predict", content))
        not_sure = response.headers.get("x-confidence") == "low"
        return self._prediction(self._json(response, file), not_sure, response, file)

    def explain(
        self, model: str, file: str | None, content: bytes, label: str | None, layer: str
    ) -> Steps[Explanation]:
        """Ask for the map of a photo."""
        query = {"layer": layer} | ({} if label is None else {"class": label})
        response = yield from self._ask(self._photo(f"{_segment(model)}/explain", content, query))
        if response.status_code != httpx2.codes.OK:
            raise _refusal(response, file)
        if (explained := response.headers.get("x-explained-class")) is None:
            raise self._no_gateway()
        return Explanation(response.content, unquote(explained), response.headers.get("x-model-version"))

    def predict_form(self, model: str, files: list[File]) -> Steps[list[Prediction | Refused]]:
        """Ask for the classes of photos in one request; those that found the gateway busy are asked again alone."""
        form = [("file", (str(number), content, _BYTES)) for number, (_, content) in enumerate(files)]
        response = yield from self._ask(self._request("POST", f"{_segment(model)}/predict/batch", files=form))
        if response.status_code == _TOO_LARGE and len(files) == 1:
            return [_refusal(response, files[0][0])]  # of this photo; those behind it may be smaller
        document = self._json(response)
        found: list[Prediction | Refused] = []
        try:
            for (file, content), result in zip(files, document["results"], strict=True):
                if "problem" not in result:
                    found.append(self._prediction(result["prediction"], result["not_sure"], response, file))
                elif result["problem"]["status"] in PASSING:
                    found.append((yield from self._predict_again(model, file, content)))
                else:
                    found.append(_problem(result["problem"], file))
        except (KeyError, TypeError, ValueError) as exc:
            raise self._no_gateway() from exc
        return found

    def _predict_again(self, model: str, file: str | None, content: bytes) -> Steps[Prediction | Refused]:
        try:
            return (yield from self.predict(model, file, content))
        except Refused as exc:
            return exc

    def _photo(self, path: str, content: bytes, query: dict[str, str] | None = None) -> httpx2.Request:
        request = self._request("POST", path, content=content, params=query)
        request.headers["Content-Type"] = _BYTES
        return request

    def _request(self, method: str, path: str, **options: Any) -> httpx2.Request:
        return httpx2.Request(method, f"{self._url}/{path}", headers=self._headers, **options)

    def _ask(self, request: httpx2.Request, patience: float | None = None) -> Steps[httpx2.Response]:
        give_up = time.monotonic() + (self._patience if patience is None else patience)
        while True:
            outcome = yield request
            assert outcome is not None
            if isinstance(outcome, httpx2.Response) and outcome.status_code not in PASSING:
                return outcome
            seconds = _pause_after(outcome)
            if time.monotonic() + seconds <= give_up:
                yield seconds
            elif isinstance(outcome, httpx2.Response):
                return outcome
            else:
                reason = str(outcome) or type(outcome).__name__
                raise Unreachable(f"No server answers at {self._url} ({reason}).") from outcome

    def _prediction(self, answer: Any, not_sure: bool, response: httpx2.Response, file: str | None) -> Prediction:
        version, request_id = (response.headers.get(name) for name in ("x-model-version", "x-request-id"))
        try:
            return Prediction(answer["pred_class"], answer["classes"], not_sure, version, request_id, file)
        except (KeyError, TypeError) as exc:
            raise self._no_gateway() from exc

    def _json(self, response: httpx2.Response, file: str | None = None) -> Any:
        if response.status_code != httpx2.codes.OK:
            raise _refusal(response, file)
        try:
            return response.json()
        except ValueError as exc:
            raise self._no_gateway() from exc

    def _no_gateway(self) -> Unreachable:
        return Unreachable(f"{self._url} answers, but is no gateway of this project.")


def _segment(model: str) -> str:
    return quote(model, safe="")


def _pause_after(outcome: Outcome) -> float:
    after = outcome.headers.get("retry-after", "") if isinstance(outcome, httpx2.Response) else ""
    return float(after) if after.isdecimal() else _PAUSE_SECONDS


def _refusal(response: httpx2.Response, file: str | None) -> Refused:
    """Make the error of a problem document, or of whatever came in its place."""
    try:
        return _problem({"status": response.status_code} | response.json(), file)
    except (ValueError, KeyError, TypeError):
        detail = "The answer is no problem document: is there a proxy before the server?"
        return Refused(response.status_code, f"Status {response.status_code}", detail, None, file)


def _problem(document: Any, file: str | None) -> Refused:
    return Refused(document["status"], document["title"], document["detail"], document.get("request_id"), file)


def _model(entry: Any) -> Model:
    accuracy = entry["metrics"].get("test", {}).get("accuracy")
    held_out = ((entry.get("places") or {}).get("held_out_mean") or {}).get("accuracy")
    facts = entry.get("version"), tuple(entry["classes"]), entry.get("confidence_threshold")
    return Model(entry["name"], entry["ready"], *facts, accuracy, held_out, entry.get("explains", False))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
