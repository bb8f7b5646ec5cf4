"""One of two servers behind the gateway is replaced under load, as Kubernetes would do it."""

import argparse
from pathlib import Path

import pytest

from scripts.rolling_update.__main__ import run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


async def test_no_request_is_lost(toy_repository: Path) -> None:
    result = await run(
        argparse.Namespace(
            model_repository=toy_repository, servers=2, concurrency=3, connection_age=2, pre_stop=None, replace=1
        )
    )
    assert result["outcomes"] == {"200": result["requests"]}
    assert result["requests"] > 50
    assert result["requests_in_the_last_second"] == [0]
    assert result["exit_statuses"] == [0]
