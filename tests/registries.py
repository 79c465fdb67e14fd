"""Registries for tests: the sandbox's, and Debian's `docker-registry` in four configurations.

Whatever passes on one has to pass on all, so the same tests run against each of them.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from astrago_actions.clients.registry import Credentials, RegistryClient
from astrago_actions.inputs import Secret
from astrago_actions.sandbox.registry import Registry
from astrago_actions.sandbox.server import LoopbackServer
from tests.manual_clock import ManualClock

CLASSIC_TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
USERNAME, PASSWORD = "pusher", "a-password-for-tests"
# What `htpasswd -nbB pusher a-password-for-tests` printed; the registry takes bcrypt only.
HTPASSWD = "pusher:$2y$05$zN/0YKwUA32RXYKEHno3/.g/DGnR5DFiPuK02B/hd7UfQmpiXyvzO\n"

DEBIAN = [
    pytest.param(kind, marks=pytest.mark.registry)
    for kind in ("debian-open", "debian-basic", "debian-tls")
]
REGISTRIES = ["sandbox", *DEBIAN]


@dataclass(frozen=True)
class RunningRegistry:
    """A registry that answers at `host` (such as `127.0.0.1:40123`)."""

    kind: str
    host: str
    username: str = ""
    password: str = ""
    certificate: Path | None = None

    @property
    def credentials(self) -> Credentials | None:
        """What it wants for pushing; None where anybody may."""
        return Credentials(self.username, Secret(self.password)) if self.password else None

    def client(self, **options: Any) -> RegistryClient:
        """A client that is signed in and repeats nothing unless told to."""
        given = {"clock": ManualClock(), "retries": 0, **options}
        return RegistryClient(self.host, self.credentials, **given)


@dataclass(frozen=True)
class SandboxRegistry:
    """The sandbox's registry with the server in front of it, for faults and exchanges."""

    registry: Registry
    server: LoopbackServer

    @property
    def host(self) -> str:
        """Address without a scheme, as it stands in image references."""
        return self.server.url.removeprefix("http://")

    @property
    def running(self) -> RunningRegistry:
        """The same as any registry, with a token that may push below xiilab/."""
        return RunningRegistry("sandbox", self.host, "octocat", CLASSIC_TOKEN)

    def client(self, token: str = CLASSIC_TOKEN, **options: Any) -> RegistryClient:
        """A client with this token; an empty one signs in as nobody."""
        credentials = Credentials("octocat", Secret(token)) if token else None
        given = {"clock": ManualClock(), "retries": 0, **options}
        return RegistryClient(self.host, credentials, **given)


@pytest.fixture
def sandbox_registry() -> Iterator[SandboxRegistry]:
    """A registry like GHCR with `CLASSIC_TOKEN`, which may write below xiilab/."""
    registry = Registry()
    registry.add_token(CLASSIC_TOKEN, {"xiilab/*": "write"})
    with LoopbackServer(registry) as server:
        yield SandboxRegistry(registry, server)


@pytest.fixture(scope="session")
def debian_registries(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], RunningRegistry]]:
    """Starts Debian's registry in the configuration asked for, once a session."""
    running: dict[str, tuple[RunningRegistry, subprocess.Popen[bytes]]] = {}

    def start(kind: str) -> RunningRegistry:
        if kind not in running:
            running[kind] = _start_debian(kind, tmp_path_factory.mktemp(kind))
        return running[kind][0]

    yield start
    for _, process in running.values():
        process.terminate()
        process.wait(10)


@pytest.fixture(params=REGISTRIES)
def any_registry(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningRegistry]:
    """Each registry in turn; a private certificate is trusted through the environment."""
    if request.param == "sandbox":
        yield request.getfixturevalue("sandbox_registry").running
        return
    running = request.getfixturevalue("debian_registries")(request.param)
    if running.certificate:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.certificate))
    yield running


def missing(what: str, left_out: str) -> None:
    """Skip the test and say what was left out; where everything has to run, fail instead."""
    message = f"{what} is not installed: {left_out} not tested"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def free_port() -> int:
    """A port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start_debian(kind: str, folder: Path) -> tuple[RunningRegistry, subprocess.Popen[bytes]]:
    if shutil.which("docker-registry") is None:
        missing("docker-registry", "a registry that is not our own was")
    host = f"127.0.0.1:{free_port()}"
    running = _described(kind, host, folder)
    configuration = folder / "config.yml"
    configuration.write_text(_configuration(running, folder), encoding="utf-8")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(configuration)], stdout=log, stderr=log
        )
    _wait_for(host, process, folder / "log")
    return running, process


def _described(kind: str, host: str, folder: Path) -> RunningRegistry:
    if kind == "debian-open":
        return RunningRegistry(kind, host)
    if kind == "debian-basic":
        (folder / "htpasswd").write_text(HTPASSWD, encoding="utf-8")
        return RunningRegistry(kind, host, USERNAME, PASSWORD)
    certificate = folder / "certificate.pem"
    _write_certificate(certificate, folder / "key.pem")
    return RunningRegistry(kind, host, certificate=certificate)


def _configuration(running: RunningRegistry, folder: Path) -> str:
    lines = [
        "version: 0.1",
        "log: {level: warn}",
        f"storage: {{filesystem: {{rootdirectory: {folder / 'storage'}}}}}",
        "http:",
        f"  addr: {running.host}",
        f"  relativeurls: {'true' if running.kind == 'debian-basic' else 'false'}",
    ]
    if running.certificate:
        lines.append(f"  tls: {{certificate: {running.certificate}, key: {folder / 'key.pem'}}}")
    if running.password:
        lines.append(f"auth: {{htpasswd: {{realm: test, path: {folder / 'htpasswd'}}}}}")
    return "\n".join(lines) + "\n"


def _wait_for(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    name, _, port = host.partition(":")
    for _ in range(200):
        try:
            with socket.create_connection((name, int(port)), timeout=1):
                return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    process.kill()
    pytest.fail(f"docker-registry did not start:\n{log.read_text()}", pytrace=False)


def _write_certificate(certificate_path: Path, key_path: Path) -> None:
    """A certificate for 127.0.0.1 that only itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
