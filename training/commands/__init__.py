"""The subcommands of ``python -m training``: one module each, which imports what is heavy only when it runs."""

from types import ModuleType

from training.commands import eda, evaluate, predict, promote, train

COMMANDS: tuple[ModuleType, ...] = (train, evaluate, promote, predict, eda)
