"""What serving needs: free ports, weights, a model repository."""

import http.client
from collections.abc import Iterator
from pathlib import Path

from scripts.cli.doctor.finding import Finding, good, note, problem


def check_service(port: int) -> Iterator[Finding]:
    """Look at the gateway's `port`, at Triton's ports, at the weights and at the exports."""
    try:
        from embedded_triton.settings import Settings, describe_invalid
    except ImportError:
        return
    from pydantic import ValidationError

    try:
        settings = Settings()
    except ValidationError as exc:
        yield problem("settings", describe_invalid(exc), "Correct these variables.")
        return
    if _gateway_answers(port):
        yield good("ports", f"a gateway answers on port {port} already: http://localhost:{port}")
    else:
        yield ports({"PORT": ("127.0.0.1", port), **settings.endpoints("127.0.0.1")})
    yield from _weights()
    yield _repository(settings.model_repository, settings.profile)


def _gateway_answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)  # never by a proxy
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def ports(endpoints: dict[str, tuple[str, int]]) -> Finding:
    """Say whether nobody listens on the ports; address and port by the variable that sets it."""
    from embedded_triton.errors import PortBusyError
    from embedded_triton.install.ports import require_free

    try:
        require_free(endpoints)
    except PortBusyError as exc:
        return problem("ports", exc.problem, exc.remedy)
    return good("ports", f"{', '.join(str(port) for port in sorted(port for _, port in endpoints.values()))} are free")


def _weights() -> Iterator[Finding]:
    try:
        from training.evaluate.card import read_card
        from training.models.model_types import NETWORK_MODELS
    except ImportError:
        return
    for model_type in NETWORK_MODELS:
        try:
            card = read_card(model_type)
        except (FileNotFoundError, ValueError) as exc:
            yield problem(
                f"weights of {model_type}", str(exc), "Fetch the whole repository: `git pull`, then try again."
            )
        else:
            yield good(
                f"weights of {model_type}", f"{card.date}, {len(card.classes)} classes: {', '.join(card.classes)}"
            )


def _repository(folder: Path, profile: str) -> Finding:
    from embedded_triton.errors import RepositoryError
    from embedded_triton.install.profiles import choose_profile
    from embedded_triton.install.repository import read_repository

    try:
        repository = read_repository(folder, choose_profile(profile, folder))
    except RepositoryError as exc:
        return note("models", exc.problem, exc.remedy)
    return good("models", f"{', '.join(repository.ensembles)} in {folder}")
