"""What a thing's module returns once the thing lies on the board."""

from dataclasses import dataclass, field

from scripts.renderings.development import Development
from scripts.renderings.studio import Room, View


@dataclass(frozen=True)
class Shot:
    """How the thing is photographed: the phone's place, the room's light, the phone's picture."""

    view: View
    room: Room = field(default_factory=Room)
    development: Development = field(default_factory=Development)
