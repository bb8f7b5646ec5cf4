"""``python -m training``: train, evaluate, promote, export, predict and look at the data, from a shell."""

import argparse
import sys

from training import commands


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a wrong input ends it with a sentence and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True)
    for command in commands.COMMANDS:
        command.add_parser(subparsers)
    parsed = parser.parse_args(arguments)
    try:
        parsed.run(parsed)
    except (ValueError, FileNotFoundError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
