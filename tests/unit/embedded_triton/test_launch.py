"""Triton and the gateway as processes of their own: ports, settings, addresses; small programs stand for them."""

import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from embedded_triton.launch import Gateway, Triton, free_ports

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


def test_free_ports_differ_and_can_be_bound() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_settings_become_variables(tmp_path: Path) -> None:
    triton = Triton(tmp_path, log=tmp_path / "log", cores=(0, 1), environment={"A": "b"}, profile="l4", grpc_port=4)
    assert triton._environment["EMBEDDED_TRITON_PROFILE"] == "l4"
    assert triton._environment["A"] == "b"
    assert triton.grpc_url == "127.0.0.1:4"
    assert triton.command[:3] == ["taskset", "--cpu-list", "0,1"]
    gateway = Gateway("10.0.0.1:8001", host="::", port=5, environment={}, api_keys="")
    assert gateway._environment == {"GATEWAY_API_KEYS": "", "TRITON_URL": "10.0.0.1:8001"}
    assert gateway.url == "http://[::1]:5"


class _Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def test_a_proxy_is_not_asked_for_the_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server = HTTPServer(("127.0.0.1", 0), _Ready)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        assert Gateway("", port=server.server_port).status_of("/health/ready") == 200
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert Gateway("", port=server.server_port).status_of("/health/ready") is None
