"""Tuning profiles: how many instances, threads and requests to a batch suit which machine, as small TOML files.

Each becomes a rendered configuration that Triton takes by name (``--model-config-name``): ``configs/NAME.pbtxt`` beside
the ``config.pbtxt`` of a model. The latter is the profile ``DEFAULT``, right for a laptop and harmless elsewhere.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from training.models.model_types import NETWORK_MODELS

PROFILES = Path(__file__).resolve().parent
DEFAULT = "cpu-2"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tuning(_Table):
    """What is turned for one model."""

    max_batch_size: int = Field(ge=1, description="most photos in a batch; memory grows with it")
    preferred_batch_sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(),
        description="as large as the largest that waiting requests fill becomes a batch; one request may be larger",
    )
    instances: int = Field(default=1, ge=1, description="copies that work at the same time, each with its own weights")
    threads: int | None = Field(default=None, ge=1, description="CPU threads of an instance; None: the backend's")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if max(self.preferred_batch_sizes, default=0) > self.max_batch_size:
            raise ValueError("none of preferred_batch_sizes may be over max_batch_size")
        return self


class Profile(_Table):
    """The tuning of a kind of machine, and on what it stands."""

    machine: str = Field(description="what it is for")
    basis: Literal["measured", "reasoned"] = Field(description="reasoned: nobody has run it on such a machine yet")
    preprocess: Tuning
    network: Tuning = Field(description="of both networks")
    networks: dict[str, dict[str, Any]] = Field(default={}, description="what is turned otherwise for one, by its name")

    @model_validator(mode="after")
    def _knows(self) -> Self:
        for name in self.networks:
            if name not in NETWORK_MODELS.values():
                raise ValueError(f"there is no network {name}, there are {', '.join(NETWORK_MODELS.values())}")
            try:
                self.tuning_of(name)
            except ValidationError as exc:
                raise ValueError(f"networks.{name}: {exc}") from exc
        return self

    def tuning_of(self, network: str) -> Tuning:
        """Return what is turned for one of the networks."""
        return Tuning.model_validate(self.network.model_dump() | self.networks.get(network, {}))


def load_profiles(folder: Path = PROFILES) -> dict[str, Profile]:
    """Return all profiles by name.

    Raises:
        ValueError: a file is no TOML, or a value in it is wrong; the message names the file and the key.
    """
    profiles = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            profiles[path.stem] = Profile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, ValidationError) as exc:
            raise ValueError(f"{path}: {exc}") from exc
    return profiles
