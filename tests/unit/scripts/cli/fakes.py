"""The gateway's answers without a gateway: what the command line has to cope with, in the order that a test wants."""

from collections.abc import Callable

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

CLASSES = ("glass", "metal")
GLASS = {"pred_class": "glass", "classes": {"glass": 0.75, "metal": 0.25}}

Answer = Callable[[bytes], Response]


def sure(_: bytes) -> Response:
    """Glass, without doubt."""
    return JSONResponse(GLASS)


def not_sure(_: bytes) -> Response:
    """Glass, perhaps."""
    return JSONResponse(GLASS, headers={"X-Confidence": "low"})


def refusing(status: int, headers: dict[str, str] | None = None) -> Answer:
    """A problem document."""
    document = {"title": f"Title of {status}", "detail": f"What to do about {status}."}
    return lambda _: JSONResponse(document, status, headers, "application/problem+json")


class FakeGateway:
    """Answers by `answer`, after the answers in `first` have been used up."""

    def __init__(self) -> None:
        self.answer: Answer = sure
        self.first: list[Answer] = []
        self.asked: list[str] = []
        self.accuracies = {"raw": 0.7, "pretrained": 0.9}
        self.asked_for_models = self.starting_for = 0
        self.keys: set[str | None] = set()
        self.highest_concurrency = self._concurrency = 0
        self.app = FastAPI()
        self.app.get("/models")(self._models)
        self.app.post("/{model}/predict")(self._predict)

    async def _models(self) -> Response:
        self.asked_for_models += 1
        classes = CLASSES if self.asked_for_models > self.starting_for else ()
        entries = [
            {"name": name, "ready": True, "classes": classes, "metrics": {"test": {"accuracy": accuracy}}}
            for name, accuracy in self.accuracies.items()
        ]
        limits = {"max_batch_files": 32, "max_batch_body_bytes": 1 << 20}
        return JSONResponse({"models": entries, "limits": limits})

    async def _predict(self, model: str, request: Request) -> Response:
        self._concurrency += 1
        self.highest_concurrency = max(self.highest_concurrency, self._concurrency)
        try:
            content = await request.body()
            self.asked.append(model)
            self.keys.add(request.headers.get("x-api-key"))
            return (self.first.pop(0) if self.first else self.answer)(content)
        finally:
            self._concurrency -= 1
