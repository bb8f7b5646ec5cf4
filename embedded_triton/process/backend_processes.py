"""The processes that run a server's backends: found by their arguments, and noticed when one has ended."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from embedded_triton.process.probe import ProbeError
from embedded_triton.process.process_table import arguments_of, processes_naming


class BackendProcesses:
    """Those of one server, from its first answer on: Triton starts none of them again."""

    def __init__(self, prefix: str, instances: Mapping[str, int]) -> None:
        """Know what to look for.

        Args:
            prefix: begins the names of the server's segments in /dev/shm.
            instances: how many processes each model has at least; on GPUs there are as many on each.
        """
        self._prefix = prefix
        self._instances = instances
        self._models: dict[int, str] = {}

    def find(self) -> None:
        """Note which there are.

        Raises:
            ProbeError: one has ended already.
        """
        # The arguments of such a process begin with the file of its model, NAME/VERSION/model.pt, and its segment.
        self._models = {
            process: Path(words[1]).parent.parent.name
            for process, words in processes_naming(self._prefix).items()
            if self._is_backend(words)
        }
        counts = Counter(self._models.values())
        if lost := {model for model, count in self._instances.items() if counts[model] < count}:
            raise ProbeError(f"a backend process of {' and '.join(sorted(lost))} has ended")

    def lost(self) -> set[str]:
        """Return the models of which a process has ended since."""
        return {model for process, model in self._models.items() if not self._is_backend(arguments_of(process))}

    def _is_backend(self, words: list[str]) -> bool:
        return len(words) > 2 and words[2].startswith(self._prefix)
