"""The command line of the server."""

from pathlib import Path

from embedded_triton.install.arguments import GPU_POOL_BYTES, build_arguments
from embedded_triton.install.plain_paths import PlainPaths
from embedded_triton.settings import Settings


def arguments(address: str = "127.0.0.1", *, gpus: int = 0, profile: str | None = None) -> list[str]:
    return build_arguments(
        Path("/wheel/tritonserver"),
        Settings(grpc_port=1, http_port=2, metrics_port=3),
        PlainPaths(Path("/dev/shm/own"), Path("/dev/shm/own/models"), ()),
        address=address,
        shared_memory_prefix="prefix-",
        gpus=gpus,
        profile=profile,
    )


def test_program_and_folders_are_named() -> None:
    built = arguments()
    assert built[0] == "/wheel/tritonserver"
    assert {"--model-repository=/dev/shm/own/models", "--backend-directory=/dev/shm/own/backends"} <= set(built)


def test_every_protocol_binds_to_the_given_address() -> None:
    built = arguments(address="127.0.0.9")
    assert [word for word in built if "-address=" in word] == [
        f"--{protocol}-address=127.0.0.9" for protocol in ("http", "grpc", "metrics")
    ]
    assert {"--grpc-port=1", "--http-port=2", "--metrics-port=3"} <= set(built)


def test_both_protocols_refuse_what_could_read_files_or_change_the_server() -> None:
    keys = set()
    for flag in ("--http-restricted-api=", "--grpc-restricted-protocol="):
        (value,) = [word.removeprefix(flag) for word in arguments() if word.startswith(flag)]
        names, _, key = value.partition(":")
        assert set(names.split(",")) == {"shared-memory", "model-repository", "trace", "logging"}
        keys.add(key)
        assert len(key) == len("restricted=") + 32
    assert len(keys) == 2, "a secret of each start"


def test_configurations_are_taken_as_they_are() -> None:
    assert "--disable-auto-complete-config" in arguments()
    assert "--backend-config=python,shm-region-prefix-name=prefix-" in arguments()


def test_the_state_of_a_gpu_is_asked_only_where_one_is() -> None:
    assert "--allow-gpu-metrics=false" in arguments()
    assert "--allow-gpu-metrics=true" in arguments(gpus=1)


def test_tensors_between_models_have_room_on_each_gpu() -> None:
    pools = [word.partition("=")[2] for word in arguments(gpus=2) if word.startswith("--cuda-memory-pool-byte-size=")]
    assert pools == [f"0:{GPU_POOL_BYTES}", f"1:{GPU_POOL_BYTES}"]
    assert not any("cuda" in word for word in arguments())


def test_a_profile_is_named_where_one_was_chosen() -> None:
    assert "--model-config-name=h100" in arguments(profile="h100")
    assert not any("model-config-name" in word for word in arguments())
