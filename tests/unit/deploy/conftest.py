"""What the tests of the steps to a cluster start from."""

from pathlib import Path

import pytest

from tests.unit.deploy.steps import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout with stand-ins, and with the example as the person's own overlay."""
    return Checkout(tmp_path)
