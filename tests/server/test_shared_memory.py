"""Pixels by files in shared memory: the same results, nothing left behind, and all works without."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from impasto.client import to_region
from impasto_link import codec, shared
from impasto_link.client import Call, Client
from impasto_link.errors import BadRequest
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region
from impasto_link.shared import SharedFolder
from impasto_link.transport import open_transport
from support import RunningServer, wait_until

pytestmark = pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there is no memory to share by files")

UDNIE = StylizeOptions.of("udnie")
#: With three channels more than the least that is shared.
SIDE = 640


@pytest.fixture(scope="module")
def picture() -> Region:
    return to_region(np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8))[0]


@pytest.fixture
def folder() -> Iterator[SharedFolder]:
    one = SharedFolder.create()
    assert one is not None
    yield one
    one.remove()


@pytest.fixture
def clients(running_server: RunningServer) -> Iterator[tuple[Client, Client]]:
    """One that shares memory with the server, and one that does not."""
    info = running_server.info
    pair = running_server.client(), Client(open_transport(info.endpoint, info.token), share=False)
    pair[0].ask("hello")
    yield pair
    for client in pair:
        client.close()


def files(client: Client) -> set[str]:
    """What lies in the server's folder."""
    said = client.ask("hello").fields["shared"]
    return {path.name for path in Path(said["folder"]).iterdir()} - {"key"}


def test_the_result_is_the_same_and_nothing_stays(clients: tuple[Client, Client], picture: Region) -> None:
    sharing, plain = clients
    assert sharing.shares_memory
    assert not plain.shares_memory
    assert picture.format.nbytes > shared.LEAST_BYTES
    before = files(sharing)
    results = [client.wait(client.stylize(picture, UDNIE)) for client in (sharing, plain)]
    entries = [next(one for one in result.fields["frames"] if one["kind"] == "pixels") for result in results]
    assert "shared" in entries[0]
    assert "shared" not in entries[1]
    first, second = (bytes(result.regions["pixels"].data) for result in results)
    assert first == second
    assert not files(sharing) - before


def test_a_result_that_was_swept_is_painted_again(clients: tuple[Client, Client], picture: Region) -> None:
    """Nobody has fetched it for long: its client stood still."""
    client, other = clients
    folder = Path(client.ask("hello").fields["shared"]["folder"])
    call = client.stylize(picture, UDNIE)
    asked = set(folder.iterdir())
    result = wait_until(lambda: set(folder.iterdir()) - asked)
    wait_until(lambda: not other.ask("status").fields["jobs_running"])
    for file in result:
        file.unlink()
    assert client.wait(call).regions["pixels"].format == picture.format
    assert call.tries == 2


def test_small_pictures_go_through_the_connection(clients: tuple[Client, Client]) -> None:
    small = to_region(np.zeros((32, 32, 3), np.uint8))[0]
    result = clients[0].wait(clients[0].stylize(small, UDNIE))
    assert not codec.shared_frames(dict(result.fields))


def test_another_client_can_fetch_the_result(clients: tuple[Client, Client], picture: Region) -> None:
    sharing, plain = clients
    call = sharing.stylize(picture, UDNIE)
    plain.ask("hello")
    same = Call(call.id)
    same.request, same.tries = call.request, 1
    plain._open[call.id] = same
    plain._ask(same)
    assert plain.wait(same).regions["pixels"].format == picture.format


@pytest.mark.parametrize("name", ["0" * 32, "key", "../key", "", None, 7, ["x"], "0" * 31 + "/"])
def test_names_that_are_not_there_are_refused(clients: tuple[Client, Client], picture: Region, name: object) -> None:
    client = clients[0]
    header, _ = codec.encode({**UDNIE.to_wire(), "op": "stylize"}, {"pixels": picture})
    forged = codec.decode_header(header)
    forged["frames"][0]["shared"] = name
    call = client.submit("cancel")
    client.transport.send([codec.pack({**forged, "id": call.id}), b""])
    with pytest.raises(BadRequest, match="shared memory"):
        client.wait(call)
    assert client.ask("status").fields["pid"]


def test_without_room_frames_are_sent(own_server: Callable[..., RunningServer], picture: Region) -> None:
    server = own_server()
    client = server.client()
    said = client.ask("hello").fields["shared"]
    shutil.rmtree(said["folder"])
    result = client.wait(client.stylize(picture, UDNIE))
    assert result.regions["pixels"].format == picture.format
    assert not codec.shared_frames(dict(result.fields))
    client.close()


def test_it_can_be_switched_off(own_server: Callable[..., RunningServer], picture: Region) -> None:
    client = own_server("--no-shared-memory").client()
    assert "shared" not in client.ask("hello").fields
    assert client.wait(client.stylize(picture, UDNIE)).regions["pixels"].format == picture.format
    client.close()


def test_servers_leave_nothing_behind(own_server: Callable[..., RunningServer]) -> None:
    def folder_of(server: RunningServer) -> Path:
        client = server.client()
        path = Path(client.ask("hello").fields["shared"]["folder"])
        client.close()
        assert path.stat().st_mode & 0o777 == 0o700
        return path

    stopped, killed = own_server(worker=False), own_server(worker=False)
    folders = [folder_of(stopped), folder_of(killed)]
    stopped.stop()
    assert not folders[0].exists()
    killed.process.kill()
    killed.process.wait()
    assert folders[1].exists()
    own_server(worker=False)
    assert not folders[1].exists(), "the next server sees to what a killed one left"


def test_another_folder_is_not_taken_for_it(folder: SharedFolder, tmp_path: Path) -> None:
    assert SharedFolder.of_server(folder.to_wire()) is not None
    for key in ("another", "ü", None):
        assert SharedFolder.of_server({**folder.to_wire(), "key": key}) is None
    assert SharedFolder.of_server({**folder.to_wire(), "folder": str(tmp_path)}) is None
    for said in (None, "text", {}, {"folder": 7, "key": None}, {"folder": "\0", "key": "ü"}):
        assert SharedFolder.of_server(said) is None


def test_what_nobody_fetches_is_swept(folder: SharedFolder) -> None:
    names = [folder.put(bytes(shared.LEAST_BYTES)) for _ in range(3)]
    assert all(names)
    long_ago = time.time() - 2 * shared.FORGOTTEN_AFTER
    for name in names[:2]:
        os.utime(folder.path / str(name), (long_ago, long_ago))
    folder.sweep({str(names[0])})
    assert {path.name for path in folder.path.iterdir()} == {"key", names[0], names[2]}


def test_frames_come_back_as_they_were(folder: SharedFolder) -> None:
    data = np.random.default_rng(1).integers(0, 255, 3 * shared.LEAST_BYTES, np.uint8)
    name = folder.put(memoryview(data.reshape(3, -1).data))
    taken = folder.take(name)
    assert bytes(taken) == data.tobytes()
    assert taken.readonly
    with pytest.raises(BadRequest, match="not there any more"):
        folder.take(name)
    assert folder.put(b"small") is None


def test_what_others_have_put_there_is_not_waited_for(
    folder: SharedFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "_ROOT", tmp_path)
    pipe = tmp_path / "impasto-x"
    pipe.mkdir(mode=0o700)
    os.mkfifo(pipe / "key")
    made = SharedFolder.create()
    assert made is not None
    made.remove()
    assert SharedFolder.of_server({"folder": str(pipe), "key": ""}) is None
    # A frame, too, can be one; it is refused at once.
    os.mkfifo(folder.path / ("0" * 32))
    with pytest.raises(BadRequest, match="shared memory"):
        folder.look("0" * 32)


def test_a_folder_that_others_can_enter_is_nobodys(folder: SharedFolder, tmp_path: Path) -> None:
    folder.path.chmod(0o755)
    assert SharedFolder.of_server(folder.to_wire()) is None
    folder.path.chmod(0o700)
    link = tmp_path / "link"
    link.symlink_to(folder.path)
    assert SharedFolder.of_server({**folder.to_wire(), "folder": str(link)}) is None
