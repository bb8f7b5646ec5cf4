"""The frameworks that a network can be trained in."""

from types import ModuleType

from torch import nn

from training.train.distributed import ProcessRank
from training.train.learner import Learner
from training.train.pytorch_learner import PyTorchLearner
from training.train.recipes import Recipe

PYTORCH, TENSORFLOW = "pytorch", "tensorflow"


def check_provider(provider: str, recipe: Recipe, processes: int) -> None:
    """Refuse a run that a framework cannot do.

    Raises:
        ValueError: there is no such framework, it is not installed, or it lacks what the recipe asks for.
    """
    if provider == TENSORFLOW:
        _tensorflow().check_recipe(recipe)
        if processes > 1:
            raise ValueError("TensorFlow trains in one process: leave torchrun out, or train with --provider pytorch")
    elif provider != PYTORCH:
        raise ValueError(f"unknown provider {provider!r}; known are {PYTORCH} and {TENSORFLOW}")


def start_learner(
    provider: str, network: nn.Module, recipe: Recipe, *, feature_size: int | None, process: ProcessRank
) -> Learner:
    """Begin to train ``network``, on its device, in a framework that ``check_provider`` accepted."""
    if provider == TENSORFLOW:
        learner: Learner = _tensorflow().TensorFlowLearner(network, recipe)
        return learner
    return PyTorchLearner(network, recipe, feature_size, process.wrap)


def _tensorflow() -> ModuleType:
    try:
        from training.tensorflow import learner
    except ImportError as exc:
        raise ValueError(
            f"TensorFlow is not installed ({exc}): `make train-cli model_provider=tensorflow` installs it"
        ) from exc
    return learner
