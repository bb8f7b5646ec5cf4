import asyncio

import pytest

from gateway.triton.readiness import Readiness


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_counts_for_ten_seconds() -> None:
    clock = Clock()
    models = Readiness(("raw", "pretrained"), clock)
    assert models.by_model() == {"raw": False, "pretrained": False}
    models.answered("raw")
    clock.now += 10
    assert models.by_model() == {"raw": True, "pretrained": False}
    clock.now += 0.1
    assert models.by_model() == {"raw": False, "pretrained": False}


async def test_only_silent_models_are_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    models = Readiness(("busy", "silent"), clock)
    probed: list[str] = []

    async def tick(seconds: float) -> None:
        clock.now += seconds / 2  # two models sleep in turn
        models.answered("busy")
        await original(0)

    original = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", tick)

    async def probe(model: str) -> bool:
        probed.append(model)
        if len(probed) == 5:
            raise InterruptedError
        models.answered(model)
        return True

    models.answered("busy")
    with pytest.raises(ExceptionGroup):
        await models.keep_probing(probe)
    assert set(probed) == {"silent"}
    assert clock.now >= 1000 + 4 * 5
