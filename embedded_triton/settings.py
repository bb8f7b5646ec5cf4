"""Settings of the embedded server, from the environment (``EMBEDDED_TRITON_...``) or the command line.

An empty variable counts as unset, as Compose and Kubernetes write them; ``~`` in a path is the home folder.
"""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]


def _cache_folder() -> Path | None:
    """Return this user's folder for what can be made again; None for a user without a home."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return base / "bin-it-right" / "openvino" if base.is_absolute() else None


class Settings(BaseSettings):
    """How the embedded server runs; each field says what follows from it."""

    model_config = SettingsConfigDict(env_prefix="EMBEDDED_TRITON_", env_ignore_empty=True, frozen=True, extra="forbid")

    model_repository: Path = Field(
        default=Path(__file__).resolve().parents[1] / "model_repository",
        description="Model repository; every model in it is loaded.",
    )
    profile: str = Field(
        default="auto",
        pattern=r"^[a-z0-9-]+$",
        description="Tuning profile: auto looks at GPU and cores, default takes each config.pbtxt as it is, any other "
        "name takes configs/NAME.pbtxt where a model has it.",
    )
    cpu_precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Precision of the networks on a CPU: auto is bfloat16 where the CPU multiplies it natively and the "
        "model's card allows it, else float32; bfloat16 asks for it in spite of the card, never without the CPU.",
    )
    cache_folder: Path | None = Field(
        default_factory=_cache_folder,
        description="Folder of converted networks. Without it each start converts them again, which "
        "takes some seconds. By default bin-it-right/openvino in the user's cache directory.",
    )
    grpc_port: Port = Field(default=8001, description="gRPC port, for the gateway, perf_analyzer and other clients.")
    http_port: Port = Field(
        default=8000, description="HTTP port of Triton's own protocol, for curl and tritonclient.http."
    )
    metrics_port: Port = Field(default=8002, description="Port of Triton's Prometheus metrics.")
    start_timeout: Seconds = Field(
        default=180, description="Seconds until every model must have answered once; later the start has failed."
    )
    probe_interval: Seconds = Field(
        default=5,
        description="Seconds between two checks; an ensemble that answered nobody meanwhile gets a probe inference.",
    )
    probe_timeout: Seconds = Field(
        default=30,
        description="Seconds that a probe may take; if shorter than a full queue takes, busy servers are restarted.",
    )
    probe_failures: int = Field(
        default=2, ge=1, description="Failed probes in a row after which the server is restarted."
    )
    stop_timeout: Seconds = Field(
        default=6, description="Seconds that a stopping server has to finish its requests before it is killed."
    )
    mps: bool = Field(
        default=False,
        description="On NVIDIA GPUs: let the server and its backend processes compute side by side, by a CUDA "
        "Multi-Process Service of their own, where the driver brings one and none runs yet.",
    )
    grpc_max_connection_age: Seconds | None = Field(
        default=None,
        description="Seconds after which a gRPC connection ends once its requests are answered, so that clients look "
        "for new addresses. For several servers behind one DNS name: new ones get requests, stopping ones no more.",
    )
    shared_memory_prefix: str = Field(
        default="bin-it-right",
        pattern=r"^[A-Za-z0-9_.-]{1,40}$",
        description="Prefix of the server's segments in /dev/shm; two installations may share it.",
    )

    @field_validator("model_repository", "cache_folder")
    @classmethod
    def _expanded(cls, folder: Path | None) -> Path | None:
        try:
            return folder.expanduser().absolute() if folder else None
        except RuntimeError as exc:  # no such user, or one without a home folder
            raise ValueError(f"{exc}") from exc

    def endpoints(self, host: str) -> dict[str, tuple[str, int]]:
        """Return, for each setting that chooses a port, the address and the port."""
        names = ("grpc_port", "http_port", "metrics_port")
        return {f"EMBEDDED_TRITON_{name.upper()}": (host, getattr(self, name)) for name in names}


def describe_invalid(error: ValidationError) -> str:
    """Return one sentence for each wrong setting, with the variable's name, the reason and the value."""
    return " ".join(
        f"EMBEDDED_TRITON_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']} (it is {each['input']!r})."
        for each in error.errors()
    )
