"""Places: what holds at each of them, of this machine or at an address."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from impasto.batch.addresses import Address
from impasto.batch.places import LocalPlace, place_of
from impasto.imaging.problems import FileProblem, FileThere
from impasto_link.errors import BadRequest, ImpastoError


def test_a_file_appears_whole_and_is_replaced_only_if_that_was_asked_for(root: str) -> None:
    folder = place_of(root) / "day 1/#3 50%?"
    folder.make()
    place = folder / "a (1).png"
    assert place.kind() is None
    place.put(b"one", replace=False)
    with pytest.raises(FileThere, match=r"a \(1\)\.png is there already"):
        place.put(b"two", replace=False)
    assert place.read() == b"one"
    place.put(b"two", replace=True)
    assert (place.read(), place.kind(), folder.kind()) == (b"two", "file", "folder")
    assert [one.name for one in folder.listing().files] == [place.name], "nothing unfinished stays behind"
    assert folder.there(["a (1).png", "b.png"]) == {"a (1).png"}
    assert folder.there([place.name, *map(str, range(20))]) == {place.name}


def test_what_came_after_the_last_look_stays(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of(s3) / "a.png"
    place.put(b"mine", replace=False)
    assert isinstance(place, Address)
    monkeypatch.setattr(place.fs, "exists", lambda path: False)
    with pytest.raises(FileThere):
        place.put(b"painting", replace=False)
    assert place.read() == b"mine"


def test_what_lies_in_a_folder(root: str) -> None:
    folder = place_of(root)
    for name in ("b.png", "a.png", "more/c.png"):
        (folder / name).folder.make()
        (folder / name).put(b"picture", replace=False)
    listing = folder.listing()
    assert [one.name for one in listing.files] == ["a.png", "b.png"]
    assert [one.name for one in listing.folders] == ["more"]
    (inside,) = listing.folders[0].listing().files
    assert (inside.relative_to(folder), inside.stem, inside.suffix) == ("more/c.png", "c", ".png")
    assert inside == folder / "more/c.png" == pickle.loads(pickle.dumps(inside))
    assert inside.identity() == (folder / "more/c.png").identity() != folder.identity()
    assert [one.name for one in place_of(f"{root}/*.png").matches()] == ["a.png", "b.png"]
    assert listing.files[0].read() == b"picture"


def test_a_stamp_changes_with_the_file(root: str) -> None:
    place = place_of(root) / "a.png"
    place.put(b"one", replace=False)
    before = place.stamp()
    assert (place_of(root) / "a.png").stamp() == before == place.folder.listing().files[0].stamp()
    place.put(b"other", replace=True)
    assert place.stamp() != before


def test_what_is_not_there_is_said(root: str) -> None:
    place = place_of(root) / "gone.png"
    with pytest.raises(FileProblem, match=r"There is no .*gone\.png"):
        place.read()


def test_names_without_passwords(sftp: str) -> None:
    place = place_of(sftp) / "a.png"
    assert "cret" not in str(place) + repr(place) + place.stem
    assert str(place).startswith("sftp://127.0.0.1:")
    web = place_of("https://ada:secret@photos.test/a%20b.jpg?X-Signature=secret")
    assert (str(web), web.name, web.suffix) == ("https://photos.test/a%20b.jpg", "a%20b.jpg", ".jpg")


def test_files_have_addresses_too(tmp_path: Path) -> None:
    assert place_of(f"file://{tmp_path}/a%20b.png") == LocalPlace(tmp_path / "a b.png")
    assert place_of("C://odd") == LocalPlace(Path("C://odd"))


def test_one_store_by_two_names(s3: str) -> None:
    assert place_of(f"{s3}/a.png").identity() == place_of(f"{s3.replace('s3:', 's3a:')}/a.png").identity()


# -- What can go wrong over there --------------------------------------------------------------------------------------


def test_addresses_that_are_not_known_or_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadRequest, match=r"Addresses carrier-pigeon:// are not known"):
        place_of("carrier-pigeon://home/a.png")
    with pytest.raises(ImpastoError, match=r"What addresses gs:// need is not installed\..*gcsfs"):
        place_of("gs://bucket/a.png")
    monkeypatch.setitem(__import__("sys").modules, "sshfs", None)
    with pytest.raises(ImpastoError, match=r"pip install 'impasto\[addresses\]'"):
        place_of("sftp://host/a.png")


def test_a_host_that_nobody_knows_is_not_believed(sftp: str, tmp_path: Path) -> None:
    (tmp_path / "home/.ssh/known_hosts").write_text("")
    with pytest.raises(ImpastoError, match=r"Nobody answers at sftp://127.0.0.1"):
        place_of(sftp)


def test_a_password_that_is_wrong_is_not_repeated(sftp: str) -> None:
    with pytest.raises(ImpastoError) as caught:
        place_of(sftp.replace("cret", "wrongly"))
    assert "wrongly" not in str(caught.value)


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, s3: str) -> None:
    with pytest.raises(ImpastoError, match=r"Nobody answers at sftp://127.0.0.1:1"):
        place_of("sftp://ada@127.0.0.1:1/a.png")


def test_no_such_bucket(s3: str) -> None:
    place = place_of(f"{s3}-other/a.png")
    assert place.folder.there(["a.png"]) == set()
    with pytest.raises(FileProblem, match=r"There is no s3://bucket-.*-other"):
        place.put(b"picture", replace=True)


@pytest.mark.skipif(os.getuid() == 0 if hasattr(os, "getuid") else True, reason="the superuser may write anywhere")
def test_no_permission(sftp: str, tmp_path: Path) -> None:
    (tmp_path / "remote").chmod(0o500)
    with pytest.raises(FileProblem, match="may not be written"):
        (place_of(sftp) / "a.png").put(b"picture", replace=True)


def test_a_file_that_cannot_be_finished_leaves_nothing(
    sftp: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = place_of(sftp) / "a.png"
    assert isinstance(place, Address)
    monkeypatch.setattr(place.fs, "mv", lambda *_: (_ for _ in ()).throw(OSError("The line is dead")))
    with pytest.raises(FileProblem, match="could not be written: The line is dead"):
        place.put(b"picture", replace=True)
    assert list((tmp_path / "remote").iterdir()) == []
