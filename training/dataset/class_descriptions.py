"""What the page shows of each class: its name and the advice by language, and its colour."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

_Color = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
_Sentence = Annotated[str, Field(min_length=1, max_length=300)]
#: By language, as in HTML's ``lang``: ``en``, ``de``, ``uk``, ``pt-BR``.
_ByLanguage = dict[Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")], _Sentence]


class ClassDescription(BaseModel):
    """One class. Whatever is missing the page makes up: the label for the name, a colour, no advice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    color: _Color | None = None
    color_dark: _Color | None = None
    names: _ByLanguage = {}
    advice: _ByLanguage = {}


_FILE = TypeAdapter(dict[str, ClassDescription])


def read_class_descriptions(model_repository: Path, classes: tuple[str, ...]) -> Mapping[str, ClassDescription]:
    """Return what ``classes.json`` says of the classes; nothing where there is no such file.

    Raises:
        ValueError: the file is malformed, or describes a class that ``labels.txt`` does not name.
    """
    path = model_repository / "classes.json"
    if not path.is_file():
        return {}
    try:
        descriptions = _FILE.validate_json(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path}: {f'{where}: ' if where else ''}{first['msg']}") from exc
    unknown = [name for name in descriptions if name not in classes]
    if unknown:
        raise ValueError(f"{path} describes {unknown}; labels.txt says {list(classes)}")
    return descriptions
