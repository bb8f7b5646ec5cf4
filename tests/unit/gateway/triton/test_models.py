"""What the gateway knows of Triton's models, and when it asks anew."""

import asyncio

from gateway.triton.models import KnownModels
from gateway.triton.types import ModelDescription


async def test_an_answer_that_has_ended_is_no_answer_to_the_next_question() -> None:
    """It came back without a turn of the event loop; whoever asks until Triton says more held everybody up for ever."""
    asked = 0
    at_the_end: list[asyncio.Task[ModelDescription]] = []

    async def ask(model: str) -> ModelDescription:
        nonlocal asked
        asked += 1
        if asked == 1:  # its turn comes after the end of this one, and before the callbacks
            at_the_end.append(asyncio.create_task(models.learn(model)))
        return ModelDescription(("glass",), f"digest {asked}", None)

    models = KnownModels(ask)
    assert (await models.learn("raw")).weights_digest == "digest 1"
    assert (await at_the_end[0]).weights_digest == "digest 2"
    assert (await models.learn("raw")).weights_digest == "digest 3"


async def test_those_who_ask_meanwhile_share_an_answer() -> None:
    asked = 0

    async def ask(model: str) -> ModelDescription:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return ModelDescription(("glass",), model, None)

    models = KnownModels(ask)
    await asyncio.gather(*(models.learn("raw") for _ in range(3)))
    assert asked == 1
