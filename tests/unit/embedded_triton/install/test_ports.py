"""Busy ports are found before anything starts."""

import socket

import pytest

from embedded_triton.errors import PortBusyError
from embedded_triton.install.ports import lan_address, require_free


def test_a_busy_port_is_named_with_the_setting_that_chooses_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortBusyError, match=rf"Port {port} .*ss -ltnp.*GRPC_PORT=") as caught:
            require_free({"GRPC_PORT": ("127.0.0.1", port)})
    assert "already in use" in caught.value.problem


def test_all_busy_ports_are_named_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = {name: each.getsockname()[1] for name, each in (("PORT", one), ("GRPC_PORT", two))}
        with pytest.raises(PortBusyError) as caught:
            require_free({"FREE": ("127.0.0.1", 0)} | {name: ("127.0.0.1", port) for name, port in ports.items()})
    assert all(f"Port {port} on" in caught.value.problem for port in ports.values())
    assert caught.value.remedy.endswith("choose PORT=… GRPC_PORT=…")


def test_a_free_port_passes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    require_free({"GRPC_PORT": ("127.0.0.1", port)})


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(PortBusyError, match=r"192\.0\.2\.1"):
        require_free({"GRPC_PORT": ("192.0.2.1", 0)})


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", None), ("localhost", None), ("::1", None), ("192.168.1.5", "192.168.1.5"), ("fd00::5", "fd00::5")],
)
def test_others_reach_only_an_address_that_is_theirs_too(host: str, address: str | None) -> None:
    assert lan_address(host) == address


def test_every_interface_is_reached_by_an_address_of_the_machine() -> None:
    address = lan_address("0.0.0.0")
    if address is None:
        pytest.skip("this machine has no network")
    with socket.create_server((address, 0)):  # it is one of this machine's
        pass
    assert not address.startswith("127.")
