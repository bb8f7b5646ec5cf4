"""`python -m gateway --host 0.0.0.0 --port 8080`."""

import argparse
import sys

import uvicorn
from pydantic import ValidationError

from gateway.app import create_app
from gateway.logs import configure_logging
from gateway.settings import Settings
from gateway.triton.client import TritonClassifier


def main(arguments: list[str] | None = None) -> None:
    """Starts the gateway; settings come from the environment, host and port also from the command line."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="The HTTP gateway in front of Triton.")
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="port to listen on")
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        sys.exit(_sentences(error))
    configure_logging(settings)
    classifier = TritonClassifier(settings.triton_url, settings.model_types)
    uvicorn.run(
        create_app(settings, classifier),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
    )


def _sentences(error: ValidationError) -> str:
    lines = (f"{' '.join(map(str, item['loc'])).upper()}: {item['msg']}." for item in error.errors())
    return "The gateway does not start, a setting is wrong. " + " ".join(lines)


if __name__ == "__main__":
    main()
