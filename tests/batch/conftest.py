"""Real stores on loopback: S3 by moto's server, SFTP by asyncssh's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import asyncssh
import fsspec
import pytest
from fsspec import AbstractFileSystem
from moto.server import ThreadedMotoServer


@pytest.fixture(scope="session")
def moto() -> Iterator[AbstractFileSystem]:
    """An S3 of our own; what needs credentials finds some in the environment."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        yield fsspec.filesystem("s3")
    server.stop()


@pytest.fixture
def s3(moto: AbstractFileSystem) -> str:
    """The address of a new bucket."""
    bucket = f"bucket-{uuid4().hex[:8]}"
    moto.mkdir(bucket)
    return f"s3://{bucket}"


class _Server(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("ada", "se:cret")


@pytest.fixture(scope="session")
def ssh_port() -> Iterator[tuple[int, str]]:
    """The port of an SFTP server that shows this machine's files, and its public key."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def start() -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(_Server, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=True)

    async def stop() -> None:
        server.close()
        await server.wait_closed()

    server = asyncio.run_coroutine_threadsafe(start(), loop).result()
    yield server.get_port(), key.export_public_key().decode()
    asyncio.run_coroutine_threadsafe(stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def sftp(ssh_port: tuple[int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty folder on a server whose key is known."""
    port, key = ssh_port
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{port} {key}")
    monkeypatch.setenv("HOME", str(home))
    fsspec.get_filesystem_class("sftp").clear_instance_cache()
    (tmp_path / "remote").mkdir()
    return f"sftp://ada:se%3Acret@127.0.0.1:{port}{tmp_path}/remote"


@pytest.fixture
def memory() -> str:
    return f"memory://{uuid4().hex}"


@pytest.fixture
def local(tmp_path: Path) -> str:
    (tmp_path / "here").mkdir()
    return str(tmp_path / "here")


@pytest.fixture(params=["local", "memory", "s3", "sftp"])
def root(request: pytest.FixtureRequest) -> str:
    """The name of an empty folder, at each kind of place."""
    name: Callable[..., str] = request.getfixturevalue(request.param)
    return str(name)
