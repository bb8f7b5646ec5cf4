"""``bin-it-right dev settings-table``: write the tables of docs/configuration.md from the settings classes.

With ``--check`` it only says whether the tables are those of the classes.
"""

import argparse
import re
import sys
from pathlib import Path

from annotated_types import Ge, Gt, Le
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from embedded_triton.settings import Settings as TritonSettings
from gateway.settings import Settings as GatewaySettings
from scripts.sections import put_section, write_or_check

SECTIONS: dict[str, type[BaseSettings]] = {"settings": GatewaySettings, "triton-settings": TritonSettings}
_ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = _ROOT / "docs" / "configuration.md"
_URL = re.compile(r"\b\w+:///?[\w.:/-]*[\w/]")
_MIB = 1024 * 1024


def render_table(settings: type[BaseSettings]) -> str:
    """Return a table with a row for each setting: its variable, its default with the bounds, its consequence."""
    rows = ["| variable | default | what it does |", "|---|---|---|"]
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        rows.append(f"| `{_variable(name, field, prefix)}` | {_default(field)} | {_cell(field.description or '')} |")
    return "\n".join(rows)


def put_tables(text: str) -> str:
    """Return the text with the tables between their markers.

    Raises:
        ValueError: a pair of markers is missing.
    """
    for name, settings in SECTIONS.items():
        text = put_section(text, name, render_table(settings))
    return text


def _cell(text: str) -> str:
    """Escape the bars of a table, and put addresses into code, or GitHub makes links of them."""
    return _URL.sub(r"`\g<0>`", text).replace("|", "\\|")


def _variable(name: str, field: FieldInfo, prefix: str) -> str:
    """Return the shortest name that the environment may use."""
    if isinstance(field.validation_alias, AliasChoices):
        return min((str(choice) for choice in field.validation_alias.choices), key=len)
    return f"{prefix}{name}".upper()


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.default_factory is not None:
        shown = "by the machine"
    elif value is None or value == ():
        shown = "none"
    elif isinstance(value, tuple):
        shown = f"`{','.join(part.get_secret_value() if isinstance(part, SecretStr) else str(part) for part in value)}`"
    elif isinstance(value, Path):
        shown = f"`{value.relative_to(_ROOT) if value.is_relative_to(_ROOT) else value}`"
    elif isinstance(value, int) and value >= _MIB and value % _MIB == 0:
        shown = f"`{value}` ({value // _MIB} MiB)"
    else:
        shown = f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
    return shown + _bounds(field)


def _bounds(field: FieldInfo) -> str:
    words = []
    for bound in field.metadata:
        match bound:
            case Gt(gt=limit):
                words.append(f"over {limit}")
            case Ge(ge=limit) if limit != 0:
                words.append(f"at least {limit}")
            case Le(le=limit):
                words.append(f"at most {limit}")
            case _:
                pass
    return f"; {', '.join(words)}" if words else ""


def main(arguments: list[str] | None = None) -> int:
    """Write, or check, the tables of the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a table is another")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    parsed = parser.parse_args(arguments)
    try:
        after = put_tables(parsed.document.read_text(encoding="utf-8"))
    except ValueError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    return write_or_check(parsed.document, after, check=parsed.check, source="settings")


if __name__ == "__main__":
    sys.exit(main())
