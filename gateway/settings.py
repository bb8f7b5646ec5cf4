"""All settings of the gateway, from the environment. No other module reads the environment."""

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MIB = 1024 * 1024
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s]+")


def _split(value: object) -> object:
    """Split a comma-separated string: what environment variables can say without JSON."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class Settings(BaseSettings):
    """Read once at start as ``GATEWAY_<NAME>``; ``TRITON_URL`` and ``PORT`` go without the prefix.

    A variable that is empty counts as unset. Pydantic raises its ``ValidationError`` on a wrong value, which
    ``sentences`` turns into sentences.
    """

    # Compose and Kubernetes write empty values for what is not set.
    model_config = SettingsConfigDict(
        env_prefix="GATEWAY_", env_ignore_empty=True, frozen=True, extra="ignore", populate_by_name=True
    )

    host: str = Field(
        "127.0.0.1", description="Address to listen on; 0.0.0.0 makes the gateway reachable from other machines."
    )
    port: int = Field(
        8080, ge=0, le=65535, validation_alias=AliasChoices("GATEWAY_PORT", "PORT"), description="Port to listen on."
    )
    triton_url: str = Field(
        "127.0.0.1:8001",
        min_length=1,
        validation_alias=AliasChoices("GATEWAY_TRITON_URL", "TRITON_URL"),
        description="Triton's gRPC address. Several (comma-separated), or a DNS name with several addresses such as "
        "dns:///triton:8001, are used in turn.",
    )
    model_types: Annotated[tuple[str, ...], NoDecode] = Field(
        ("raw", "pretrained"), min_length=1, description="Triton ensembles that are served, as named in the URL."
    )

    max_body_bytes: int = Field(
        20 * MIB, ge=1024, description="Largest request body. Memory for uploads grows with it; above it: 413."
    )
    max_batch_body_bytes: int = Field(
        64 * MIB, ge=1024, description="Largest body of a request with many files. Above it: 413."
    )
    max_pixels: int = Field(
        64_000_000, ge=1, description="Largest image in pixels (width x height), by its header. Above it: 413."
    )
    max_concurrent_requests: int = Field(
        64,
        ge=1,
        description="Concurrent requests for each model type. More wait longer; above it: 429.",
    )
    max_concurrent_decoded_bytes: int = Field(
        512 * MIB,
        ge=1,
        description="Decoded pixels of all concurrent requests: bounds the memory of conversions here, and Triton's on "
        "a GPU. Above it: 429.",
    )
    max_concurrent_upload_bytes: int = Field(
        256 * MIB, ge=1, description="Uploads of all concurrent requests: bounds the gateway's memory. Above it: 429."
    )
    max_connections: int = Field(
        1024, ge=1, description="Open client connections, up to 0.2 MB each. One more gets 503 and is closed."
    )
    max_header_bytes: int = Field(32 * 1024, ge=1024, description="Request line and headers together. Above it: 431.")
    max_header_count: int = Field(100, ge=8, description="Headers of a request. Above it: 431.")
    header_seconds: float = Field(
        10.0,
        gt=0,
        description="Time for the headers of a request, also of the first one on a connection. Then: 408.",
    )
    keep_alive_seconds: int = Field(
        75, ge=1, description="Idle connections are closed after it; keep it above the idle time of your load balancer."
    )
    upload_grace_seconds: float = Field(
        10.0,
        gt=0,
        description="Grace period of an upload, whatever its rate. Longer helps slow phones and slow attackers.",
    )
    upload_bytes_per_second: int = Field(
        16 * 1024, ge=1, description="Minimum upload rate after the grace period; slower uploads get 408."
    )
    transcode_threads: int = Field(
        2, ge=1, description="Threads that convert images which Triton cannot decode; each may hold a decoded image."
    )
    deadline_seconds: float = Field(
        10.0,
        gt=0,
        description="Time from the end of the upload to the answer. Then the inference is cancelled: 504. "
        "A client may ask for less with X-Request-Timeout.",
    )
    retry_after_seconds: int = Field(1, ge=1, description="Value of Retry-After in answers 429 and 503.")
    drain_seconds: float = Field(
        0.0,
        ge=0,
        description="Time after SIGTERM in which the gateway is not ready but still serves, so that load balancers "
        "notice. In Kubernetes 15.",
    )
    grace_seconds: int = Field(
        20,
        ge=1,
        description="Time after that for admitted requests to end. Keep it below the time until SIGKILL.",
    )

    feedback_folder: Path | None = Field(
        None,
        description="Folder for photos that people send to POST /feedback, by class. None: that path does not exist. "
        "Photos may show people, so restrict who can read it.",
    )
    feedback_max_bytes: int = Field(
        1024 * MIB, ge=1, description="Size of that folder. Above it POST /feedback answers 507."
    )

    if_in_doubt: str | None = Field(
        None,
        max_length=200,
        description="A line that the page shows under an answer that is not sure, such as: Ask at the gate. "
        "None: the page's own advice alone.",
    )

    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Comma-separated API keys; any of them is accepted. None: everyone may use the gateway."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Comma-separated origins whose pages may call the gateway from a browser. None: no page may."
    )
    log_format: Literal["json", "console"] = Field("json", description="json, or console for people.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is logged; each answered request is a line at info."
    )
    otlp_endpoint: str | None = Field(
        None, description="Receiver of OpenTelemetry traces, such as http://collector:4317. None: no traces."
    )

    @field_validator("model_types", "api_keys", "cors_origins", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return _split(value)

    @field_validator("port", mode="before")
    @classmethod
    def _no_service_link(cls, value: object) -> object:
        if isinstance(value, str) and value.startswith("tcp://"):
            raise ValueError(
                "Kubernetes sets such a value for a Service of that name. Set `enableServiceLinks: false` in the pod"
            )
        return value

    @field_validator("feedback_folder")
    @classmethod
    def _expanded(cls, value: Path | None) -> Path | None:
        try:
            return value.expanduser() if value else value
        except RuntimeError as exc:
            raise ValueError("There is no home folder that ~ could stand for") from exc

    @field_validator("cors_origins")
    @classmethod
    def _as_browsers_say(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        origins = tuple(origin.removesuffix("/").lower() for origin in value)
        wrong = [origin for origin in origins if origin not in ("*", "null") and not _ORIGIN.fullmatch(origin)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no origin: give scheme, host and port, as in https://bins.example:8443")
        return origins


def sentences(error: ValidationError, arguments: Collection[str]) -> str:
    """Say what is wrong with which setting, by the name under which it was given.

    Args:
        error: That ``Settings`` raised.
        arguments: The settings that were given on the command line.
    """
    lines = (f"{_given_name(str(item['loc'][0]), arguments)}: {item['msg']}." for item in error.errors())
    return "The gateway does not start, a setting is wrong. " + " ".join(lines)


def _given_name(name: str, arguments: Collection[str]) -> str:
    for field_name, field in Settings.model_fields.items():
        alias = field.validation_alias
        variables = alias.choices if isinstance(alias, AliasChoices) else [f"GATEWAY_{field_name.upper()}"]
        if name == field_name or name in variables:
            if field_name in arguments:
                return f"--{field_name}"
            return str(next((variable for variable in variables if os.environ.get(str(variable))), variables[0]))
    return name
