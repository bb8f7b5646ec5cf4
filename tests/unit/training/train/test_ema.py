"""The moving average against PyTorch's own."""

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.train.ema import ExponentialMovingAverage


def test_it_is_what_pytorch_computes() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    ours = ExponentialMovingAverage(network, 0.9)
    averaging = get_ema_multi_avg_fn(0.9)  # type: ignore[no-untyped-call]
    theirs = AveragedModel(network, multi_avg_fn=averaging, use_buffers=True)
    for _ in range(4):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter))
        network(torch.randn(2, 3, 8, 8))
        ours.update_parameters(nn.Sequential(network))  # wrapped, as with several processes
        theirs.update_parameters(network)
    assert int(ours.n_averaged) == 4
    for name, tensor in ours.module.state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, theirs.module.state_dict()[name], rtol=0, atol=0)
    counted = [int(each.state_dict()["1.num_batches_tracked"]) for each in (ours.module, network)]
    assert counted == [4, 4]
    resumed = ExponentialMovingAverage(network, 0.9)
    resumed.load_state_dict(theirs.state_dict())
    assert ours.state_dict().keys() == resumed.state_dict().keys()
