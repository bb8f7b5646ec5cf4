"""Builds the server's argument list; never by joining and splitting strings."""

import secrets
from pathlib import Path

from embedded_triton.install.plain_paths import PlainPaths
from embedded_triton.settings import Settings

#: Protocols that could read files, load code or change the server; nobody gets at them. Statistics, metadata and model
#: configuration stay open: perf_analyzer stops without them.
RESTRICTED = ("shared-memory", "model-repository", "trace", "logging")

#: Bytes on each GPU for tensors between models: the photos of full queues and of the batches at work; a test compares
#: it with every profile. Past its end the Python backend of this release answers with empty tensors, instead of waiting
#: or failing (https://github.com/triton-inference-server/server/issues/8177).
GPU_POOL_BYTES = 1 << 30

#: The folder of the backends in the server's own.
BACKENDS = "backends"

#: Seconds that the server waits for running requests when it is told to stop.
_EXIT_TIMEOUT = 5


def build_arguments(
    server: Path,
    settings: Settings,
    paths: PlainPaths,
    *,
    address: str,
    shared_memory_prefix: str,
    gpus: int,
    profile: str | None,
) -> list[str]:
    """Return the command line of ``tritonserver`` as a list.

    Args:
        server: the program.
        settings: ports and time limits.
        paths: folders of the models and the backends, by paths that a shell leaves as they are.
        address: the address that all three protocols bind to.
        shared_memory_prefix: begins the names of this server's shared-memory segments, and of no other's.
        gpus: how many GPUs the driver offers.
        profile: the tuning profile, None for the configurations as they are.
    """
    # A secret that nobody is told, so that restricted protocols refuse everyone.
    restricted = f"{','.join(RESTRICTED)}:restricted={secrets.token_hex(16)}"
    age = settings.grpc_max_connection_age
    return [
        str(server),
        f"--model-repository={paths.model_repository}",
        *([f"--model-config-name={profile}"] if profile else []),
        f"--backend-directory={paths.folder / BACKENDS}",
        f"--backend-config=python,shm-region-prefix-name={shared_memory_prefix}",
        "--disable-auto-complete-config",
        f"--exit-timeout-secs={_EXIT_TIMEOUT}",
        f"--http-address={address}",
        f"--http-port={settings.http_port}",
        f"--grpc-address={address}",
        f"--grpc-port={settings.grpc_port}",
        *([f"--grpc-max-connection-age={round(age * 1000)}"] if age else []),
        f"--metrics-address={address}",
        f"--metrics-port={settings.metrics_port}",
        f"--http-restricted-api={restricted}",
        f"--grpc-restricted-protocol={restricted}",
        f"--allow-gpu-metrics={str(gpus > 0).lower()}",
        *(f"--cuda-memory-pool-byte-size={gpu}:{GPU_POOL_BYTES}" for gpu in range(gpus)),
        "--log-format=ISO8601",
    ]
