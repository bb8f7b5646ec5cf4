"""What an optimiser is told of each layer."""

from training.models.build import build_network
from training.train.pytorch_learner import parameter_groups
from training.train.recipes import Recipe


def test_layers_nearer_to_the_input_learn_more_slowly_and_only_matrices_decay(recipe: Recipe) -> None:
    network = build_network("pretrained", 2)
    groups = parameter_groups(network, recipe.model_copy(update={"layer_decay": 0.5}))
    rate = {id(parameter): group["scale"] for group in groups for parameter in group["params"]}
    decay = {id(parameter): group["weight_decay"] for group in groups for parameter in group["params"]}
    parameters = dict(network.named_parameters())
    assert set(rate) == {id(parameter) for parameter in parameters.values()}
    order = ["conv1.weight", "layer1.0.conv1.weight", "layer4.0.conv1.weight", "fc.weight"]
    rates = [rate[id(parameters[name])] for name in order]
    assert rates == sorted(rates)
    assert rates[-1] == 1.0
    assert decay[id(parameters["fc.bias"])] == decay[id(parameters["bn1.weight"])] == 0
    assert decay[id(parameters["fc.weight"])] == recipe.weight_decay
