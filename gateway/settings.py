"""All settings of the gateway, from the environment. No other module reads the environment."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MIB = 1024 * 1024


def _split(value: object) -> object:
    """A comma-separated string as a tuple: what environment variables can say without JSON."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class Settings(BaseSettings):
    """Read once at start as `GATEWAY_<NAME>`; `TRITON_URL` and `PORT` go without the prefix.

    Raises pydantic's `ValidationError` on a wrong value, which the command line turns into a sentence.
    """

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True, extra="ignore", populate_by_name=True)

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 makes the gateway reachable for others.")
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
        50_000_000, ge=1, description="Most pixels (width x height) of an image, by its header. Above it: 413."
    )
    max_requests_in_flight: int = Field(
        64,
        ge=1,
        description="Requests at work for each model type. More make full batches and longer waits; above: 429.",
    )
    max_decoded_bytes_in_flight: int = Field(
        512 * MIB, ge=1, description="Decoded pixels at work over all requests: bounds Triton's memory. Above: 429."
    )
    max_upload_bytes_in_flight: int = Field(
        256 * MIB, ge=1, description="Uploads in memory over all requests: bounds the gateway's memory. Above: 429."
    )
    max_connections: int = Field(
        1024, ge=1, description="Open client connections. Each costs up to 0.2 MB; one more is told 503 and closed."
    )
    max_header_bytes: int = Field(
        32 * 1024, ge=1024, description="Longest request line and headers together. Above it: 431."
    )
    max_header_count: int = Field(100, ge=8, description="Most headers of a request. Above it: 431.")
    header_seconds: float = Field(
        10.0,
        gt=0,
        description="Time for a request's headers, also for the first ones on a connection. Then: 408.",
    )
    keep_alive_seconds: int = Field(
        75, ge=1, description="Idle connections are closed after it; keep it above your load balancer's idle time."
    )
    upload_grace_seconds: float = Field(
        10.0, gt=0, description="Time that any upload has, however slow. Longer is kinder to phones and to attackers."
    )
    upload_bytes_per_second: int = Field(
        16 * 1024, ge=1, description="Each so many bytes earn an upload one more second beyond the grace. Else: 408."
    )
    transcode_threads: int = Field(
        2, ge=1, description="Threads that convert GIF, HEIC, AVIF and odd variants; each may hold a decoded image."
    )
    deadline_seconds: float = Field(
        10.0,
        gt=0,
        description="Time from the end of the upload to the answer; then the inference is cancelled: 504. "
        "A client may ask for less with X-Request-Timeout.",
    )
    retry_after_seconds: int = Field(1, ge=1, description="What Retry-After says in answers 429 and 503.")
    drain_seconds: float = Field(
        0.0,
        ge=0,
        description="After SIGTERM the gateway reports that it is not ready, but serves on for this long, so that load "
        "balancers notice. In Kubernetes about 5.",
    )
    grace_seconds: int = Field(
        20,
        ge=1,
        description="Then it stops listening; requests in flight have this long to end. Keep it under the killer's.",
    )

    feedback_folder: Path | None = Field(
        None,
        description="Where photos are kept that people call wrongly judged, by class; only those. None: POST /feedback "
        "does not exist. Readable by whoever trains; photos may show people.",
    )
    feedback_max_bytes: int = Field(
        1024 * MIB, ge=1, description="Most bytes in that folder; then POST /feedback answers 507."
    )

    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Comma-separated API keys. Any of them opens the gateway; none configured: open to everyone."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Comma-separated origins whose pages may call the gateway from a browser. None: no page may."
    )
    log_format: Literal["json", "console"] = Field("json", description="json for machines, console for people.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level logged; each answered request is a line at info."
    )
    otlp_endpoint: str | None = Field(
        None, description="Where OpenTelemetry traces go, as http://collector:4317. None: no traces are made."
    )

    @field_validator("model_types", "api_keys", "cors_origins", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return _split(value)
