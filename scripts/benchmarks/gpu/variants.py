"""Model repositories that differ from the exported one in what is measured."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelDynamicBatching, ModelQueuePolicy

#: The configuration that decodes and computes `pretrained` in one backend process, by its name.
ONE_PROCESS = "one-process"
_DECODE, _NETWORK, _ENSEMBLE = "preprocess", "resnet50", "pretrained"
_BACKEND = "from scripts.benchmarks.gpu.one_process import TritonPythonModel as TritonPythonModel\n"
#: As the profiles had it until 2026-11-30.
_QUEUE, _DELAY = 512, 500

Change = Callable[["Repository"], None]


class Repository:
    """A copy of a model repository, of which the configurations of one profile may be changed."""

    def __init__(self, folder: Path, profile: str | None) -> None:
        self.folder = folder
        self.profile = profile

    def read(self, model: str) -> ModelConfig:
        """Return the configuration of a model that the profile takes."""
        file = self._file(model, self.profile)
        text = (file if file.is_file() else self._file(model, None)).read_text(encoding="utf-8")
        return text_format.Parse(text, ModelConfig())

    def write(self, model: str, config: ModelConfig) -> None:
        """Write it back. The file is a new one: the copy shares its files with the original."""
        file = self._file(model, self.profile)
        file.parent.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(text_format.MessageToString(config), encoding="utf-8")

    def _file(self, model: str, profile: str | None) -> Path:
        return self.folder / model / (f"configs/{profile}.pbtxt" if profile else "config.pbtxt")


@contextmanager
def varied(source: Path, profile: str | None, change: Change) -> Iterator[Repository]:
    """Yield a changed copy of a repository, whose large files are hard links where the file system has them."""
    with TemporaryDirectory(prefix="repository-", dir=source.parent) as folder:
        copy = Repository(Path(folder, "models"), profile)
        shutil.copytree(source, copy.folder, copy_function=_link)
        change(copy)
        yield copy


def _link(source: str, destination: str) -> None:
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy2(source, destination)


def unchanged(_: Repository) -> None:
    """Change nothing."""


def with_queue_policy(repository: Repository) -> None:
    """Bound the queues and let batches wait, which is suspected to make Triton forget requests for half a second."""
    for model in (_DECODE, _NETWORK):
        config = repository.read(model)
        batching = ModelDynamicBatching(
            max_queue_delay_microseconds=_DELAY, default_queue_policy=ModelQueuePolicy(max_queue_size=_QUEUE)
        )
        config.dynamic_batching.MergeFrom(batching)
        repository.write(model, config)


def without_graphs(repository: Repository) -> None:
    """Launch the network's kernels one by one."""
    config = repository.read(_NETWORK)
    config.parameters["CUDA_GRAPHS"].string_value = "false"
    repository.write(_NETWORK, config)


def with_cpu_tensors(repository: Repository) -> None:
    """Let the pixels go through the host between the steps."""
    config = repository.read(_NETWORK)
    config.parameters["FORCE_CPU_ONLY_INPUT_TENSORS"].string_value = "yes"
    repository.write(_NETWORK, config)


def with_instances(decoders: int, networks: int) -> Change:
    """Return the change to so many instances of each step."""

    def change(repository: Repository) -> None:
        for model, count in ((_DECODE, decoders), (_NETWORK, networks)):
            config = repository.read(model)
            config.instance_group[0].count = count
            repository.write(model, config)

    return change


def in_one_process(instances: int) -> Change:
    """Return the change to a model in the ensemble's place, whose backend process decodes and computes.

    Bytes go in and probabilities come out, so no pixel passes through Triton.
    """

    def change(repository: Repository) -> None:
        decoder, network, ensemble = map(repository.read, (_DECODE, _NETWORK, _ENSEMBLE))
        config = ModelConfig(name=_ENSEMBLE, backend="python", max_batch_size=decoder.max_batch_size)
        config.input.add().CopyFrom(decoder.input[0])
        config.output.extend(ensemble.output[:1])
        config.instance_group.add(count=instances)
        config.dynamic_batching.SetInParent()
        for step, original in (("decoder", decoder), ("network", network)):
            config.parameters[step].string_value = text_format.MessageToString(original)
        for key, value in ensemble.parameters.items():
            config.parameters[key].CopyFrom(value)
        # Instances of the steps that nobody asks would take memory and cores.
        repository.profile = ONE_PROCESS
        for model, original in ((_DECODE, decoder), (_NETWORK, network)):
            original.instance_group[0].count = 1
            repository.write(model, original)
        repository.write(_ENSEMBLE, config)
        (repository.folder / _ENSEMBLE / "1" / "model.py").write_text(_BACKEND, encoding="utf-8")

    return change


VARIANTS: dict[str, Change] = {
    "as it is": unchanged,
    "with queue policy": with_queue_policy,
    "without graphs": without_graphs,
    "4 and 3 instances": with_instances(4, 3),
    "tensors on the CPU": with_cpu_tensors,
    "one process, 4 instances": in_one_process(4),
    "one process, 6 instances": in_one_process(6),
}
