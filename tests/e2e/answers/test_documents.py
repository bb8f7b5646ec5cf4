"""Every command block of the documents runs as it stands there, against the real service."""

import pytest

from scripts.docs_check.blocks import Block, Service, blocks_of, missing_program, run
from scripts.docs_check.documents import documents
from tests.support.running_gateway import RunningGateway
from tests.support.running_triton import RunningTriton

pytestmark = pytest.mark.e2e

BLOCKS = [block for path in documents() for block in blocks_of(path) if block.skip is None]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.place} {block.language}")
def test_block_runs(block: Block, gateway: RunningGateway, triton: RunningTriton) -> None:
    if missing := missing_program(block):
        pytest.skip(f"{missing} is not installed")
    result = run(block, Service(gateway.url.removeprefix("http://"), triton.grpc_url))
    assert result.returncode == 0, result.stderr
    if "predict" in block.code or "infer" in block.code:
        labels = (triton.model_repository / "labels.txt").read_text().split()
        assert any(label in result.stdout for label in labels), result.stdout
