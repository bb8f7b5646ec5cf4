"""Batches filled up to sizes that were recorded, on the CPU with a stand-in for CUDA's graphs."""

import pytest
import torch

from embedded_triton.backends.pytorch.graphs import Graphs, Network, Recording, RecordingError, Tensors, batch_sizes


class Recorder:
    """Replays by calling the network again; writes down the sizes that were recorded and replayed."""

    def __init__(self) -> None:
        self.recorded: list[int] = []
        self.replayed: list[int] = []

    def __call__(self, network: Network, inputs: Tensors) -> Recording:
        self.recorded.append(len(inputs[0]))
        outputs = network(*inputs)

        def replay() -> None:
            self.replayed.append(len(inputs[0]))
            for output, result in zip(outputs, network(*inputs), strict=True):
                output.copy_(result)

        return replay, outputs


def network(left: torch.Tensor, right: torch.Tensor) -> Tensors:
    """Row by row, as every network in evaluation mode computes."""
    return left.float().sum(1) + right, left.float() * 2


@pytest.mark.parametrize(
    ("most", "sizes"),
    [(1, (1,)), (3, (1, 2, 3)), (8, (1, 2, 4, 8)), (20, (1, 2, 4, 8, 16, 20)), (32, (1, 2, 4, 8, 16, 24, 32))],
)
def test_sizes_lie_close_and_reach_the_largest_batch(most: int, sizes: tuple[int, ...]) -> None:
    assert batch_sizes(most) == sizes


def test_every_size_is_recorded_before_the_first_request_and_the_largest_first() -> None:
    recorder = Recorder()
    Graphs(network, [torch.zeros(16, 3, dtype=torch.uint8), torch.zeros(16)], recorder)
    assert recorder.recorded == [16, 8, 4, 2, 1]
    assert recorder.replayed == recorder.recorded  # once each, to compare


def test_a_batch_gets_its_own_rows_whatever_was_computed_before_it() -> None:
    recorder = Recorder()
    graphs = Graphs(network, [torch.zeros(16, 3, dtype=torch.uint8), torch.zeros(16)], recorder)
    recorder.replayed.clear()
    generator = torch.Generator().manual_seed(0)
    for sizes in ([16], [1, 3, 1], [2], [1], [4, 4, 4]):
        left = [torch.randint(0, 256, (size, 3), dtype=torch.uint8, generator=generator) for size in sizes]
        right = [torch.rand(size, generator=generator) for size in sizes]
        sums, doubles = graphs(left, right)
        assert torch.equal(sums, torch.cat(left).sum(1) + torch.cat(right))
        assert torch.equal(doubles, torch.cat(left) * 2.0)
    assert recorder.replayed == [16, 8, 2, 1, 16]


def test_single_precision_is_taken_for_half() -> None:
    recorder = Recorder()
    graphs = Graphs(lambda batch: (batch * 2,), [torch.zeros(4, 2, dtype=torch.half)], recorder)
    (answer,) = graphs([torch.full((3, 2), 0.1)])
    assert answer.dtype == torch.half
    assert torch.allclose(answer.float(), torch.tensor(0.2), atol=1e-3)


def test_a_recording_that_answers_otherwise_is_not_used() -> None:
    def frozen(network: Network, inputs: Tensors) -> Recording:
        return lambda: None, network(*inputs)

    with pytest.raises(RecordingError, match="a recorded batch of 8 is not what the network computes"):
        Graphs(lambda batch: (batch * 2,), [torch.zeros(8, 2)], frozen)


def test_what_can_not_be_recorded_is_said() -> None:
    def failing(_network: Network, _inputs: Tensors) -> Recording:
        raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(RecordingError, match="a batch of 4: operation not permitted when stream is capturing"):
        Graphs(lambda batch: (batch,), [torch.zeros(4, 2)], failing)
