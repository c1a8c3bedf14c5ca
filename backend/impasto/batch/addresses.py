"""Pictures at addresses, such as ``s3://bucket/photos`` and ``sftp://host/photos``, by fsspec."""

from __future__ import annotations

import secrets
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from impasto.batch.places import Kind, Listing, Place, check_room
from impasto.imaging.placing import PARTIAL
from impasto.imaging.problems import FileProblem, FileThere
from impasto_link.errors import BadRequest, ImpastoError, printable

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

#: What the extra ``addresses`` brings.
_EXTRA = {"s3", "s3a", "sftp", "ssh"}
#: Stores in which an object appears whole or not at all, and which have no folders that would have to be made.
_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "memory"}
#: SSH: only hosts whose keys are known, which sshfs does not ask for by itself; names may be bytes that are no text.
_SSH = {"known_hosts": (), "sftp_client_kwargs": {"path_errors": "surrogateescape"}}
#: Of up to so many files it is asked one by one whether they are there; a folder may have millions.
_FEW = 10
#: By the first of these that a file has, it is told whether it has changed.
_CHANGES = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated", "created")


@dataclass(frozen=True)
class Address(Place):
    """A file or folder that a file system of fsspec has.

    Attributes:
        fs: the file system; it knows the password.
        root: how its addresses begin, without a password.
        path: as the file system has it.
        known: what a listing told of it, if it is from one.
    """

    fs: AbstractFileSystem
    root: str
    path: str
    known: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        if not self._is_web:
            return self.root + self.path
        # What comes after a ? may be a key.
        web = urlsplit(self.path)
        return f"{web.scheme}://{web.netloc.rpartition('@')[2]}{web.path}"

    @property
    def name(self) -> str:
        """See `Place`."""
        return PurePosixPath(urlsplit(self.path).path if self._is_web else self.path).name

    @property
    def folder(self) -> Address:
        """See `Place`."""
        above, slash, _ = self.path.rpartition("/")
        return Address(self.fs, self.root, above or slash)

    def __truediv__(self, below: str | PurePosixPath) -> Address:
        parts = PurePosixPath(below).parts
        return Address(self.fs, self.root, "/".join([self.path.rstrip("/"), *parts])) if parts else self

    def relative_to(self, folder: Place) -> str:
        """See `Place`."""
        above = f"{folder.path.rstrip('/')}/" if isinstance(folder, Address) and folder.fs == self.fs else None
        return self.path.removeprefix(above) if above and self.path.startswith(above) else str(self)

    def absolute(self) -> Address:
        """See `Place`."""
        return self

    def identity(self) -> Hashable:
        """See `Place`."""
        return type(self.fs), self.fs.storage_options.get("host"), self.path.rstrip("/")

    def kind(self) -> Kind | None:
        """See `Place`."""
        with self._told("looked at"):
            try:
                return _kind(self._info())
            except FileNotFoundError:
                return None

    def there(self, names: Iterable[str]) -> set[str]:
        """See `Place`."""
        wanted = set(names)
        if len(wanted) <= _FEW:
            return {name for name in wanted if (self / name).kind() is not None}
        with self._told("looked into"):
            try:
                return wanted & {PurePosixPath(info["name"]).name for info in self._ls()}
            except FileNotFoundError:
                return set()

    def listing(self) -> Listing:
        """See `Place`."""
        listing = Listing([], [])
        with self._told("looked into"):
            for info in sorted(self._ls(), key=lambda info: info["name"]):
                path = info["name"].rstrip("/")
                place = Address(self.fs, self.root, path, info)
                # A store may have an object that stands for the folder itself, or one without a name.
                if not place.name or path == self.path.rstrip("/"):
                    continue
                if info["type"] == "link":
                    # What it leads to, if that is a file; a folder may lead back here.
                    place = Address(self.fs, self.root, path)
                    if place.kind() == "file":
                        listing.files.append(place)
                elif _kind(info) == "folder":
                    listing.folders.append(place)
                else:
                    listing.files.append(place)
        return listing

    def matches(self) -> list[Place]:
        """See `Place`."""
        with self._told("looked into"):
            self.fs.invalidate_cache()
            found = self.fs.glob(self.path, detail=True)
            return [Address(self.fs, self.root, path, info) for path, info in sorted(found.items())]

    def stamp(self) -> str:
        """See `Place`."""
        with self._told("read"):
            info = self._info()
            changed = next((info[name] for name in _CHANGES if info.get(name)), "")
            return f"{info.get('size')}-{changed.timestamp() if isinstance(changed, datetime) else changed}"

    def read(self) -> bytes:
        """See `Place`."""
        with self._told("read"):
            check_room(self._info().get("size") or 0, str(self))
            return self.fs.cat_file(self.path)

    def check(self) -> None:
        """See `Place`: only writing would tell."""

    def make(self) -> None:
        """See `Place`."""
        if not self._is_store:
            with self._told("made"):
                self.fs.makedirs(self.path, exist_ok=True)

    def put(self, data: bytes, *, replace: bool) -> None:
        """See `Place`.

        Where there are files rather than objects, it is written beside its place and renamed. Between the last look
        whether there is one and that, one may come and be replaced; stores look and write in one step.
        """
        with self._told("written"):
            if not replace and self.fs.exists(self.path):
                raise FileExistsError
            if self._is_store:
                self.fs.pipe_file(self.path, data, mode="overwrite" if replace else "create")
                return
            partial = (self.folder / f".{self.stem[:40]}-{secrets.token_hex(4)}{PARTIAL}").path
            try:
                self.fs.pipe_file(partial, data)
                self.fs.mv(partial, self.path)
            except BaseException:
                with suppress(Exception):
                    self.fs.rm_file(partial)
                raise

    @property
    def _is_web(self) -> bool:
        return self.path.startswith(("http://", "https://"))

    @property
    def _is_store(self) -> bool:
        return self.root.partition(":")[0] in _STORES

    def _info(self) -> Mapping[str, Any]:
        if self.known is not None:
            return self.known
        self.fs.invalidate_cache(self.path)
        return self.fs.info(self.path)

    def _ls(self) -> list[dict[str, Any]]:
        self.fs.invalidate_cache(self.path)
        return self.fs.ls(self.path, detail=True)

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        """Put into words what goes wrong over there."""
        try:
            yield
        except (ImpastoError, MemoryError):
            raise
        except FileExistsError as error:
            raise FileThere(f"{self} is there already.", "Name another file.") from error
        except FileNotFoundError as error:
            where = str(self.folder) if done == "written" else str(self)
            raise FileProblem(f"There is no {where}.", "Look for mistakes in the address.") from error
        except PermissionError as error:
            hint = "Other credentials may be needed; docs/batch.md says where they are looked for."
            raise FileProblem(f"{self} may not be {done}.", hint) from error
        except Exception as error:
            # Whatever a library over there raises: it costs this picture and not the others.
            raise _unknown(f"{self} could not be {done}", error) from error


def address_of(text: str, protocol: str) -> Address:
    """The place of an address.

    Args:
        text: the address.
        protocol: what it begins with.

    Raises:
        ImpastoError: there are no such addresses, what they need is not installed, or nobody answers there.
    """
    kind = _file_system(protocol)
    options = kind._get_kwargs_from_urls(text)
    root, path = f"{protocol}://", kind._strip_protocol(text)
    if "://" in path:
        root = ""
    elif "host" in options:
        # A host belongs to the file system, and so do the signs behind it; a bucket belongs to the path.
        host, slash, path = text.removeprefix(root).partition("/")
        root, path = root + host.rpartition("@")[2], slash + path
        options = {name: unquote(value) if isinstance(value, str) else value for name, value in options.items()}
        options = {name: value for name, value in options.items() if not name.startswith("url_")}
    if protocol in ("ssh", "sftp"):
        options |= _SSH
    try:
        return Address(kind(**options), root, path.rstrip("/") or "/")
    except Exception as error:
        raise _unknown(f"Nobody answers at {root}", error) from error


def _file_system(protocol: str) -> Any:
    try:
        if protocol in ("ssh", "sftp"):
            # The other implementation believes every host.
            from sshfs import SSHFileSystem

            return SSHFileSystem
        import fsspec

        return fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        how = "Install it with: pip install 'impasto[addresses]'" if protocol in _EXTRA else f"{error}."
        raise ImpastoError(f"What addresses {protocol}:// need is not installed.", how) from error
    except ValueError:
        raise BadRequest(
            f"Addresses {protocol}:// are not known.", "Known are s3://, sftp:// and what else fsspec has."
        ) from None


def _kind(info: Mapping[str, Any]) -> Kind:
    return "folder" if info["type"] == "directory" else "file"


def _unknown(what: str, error: Exception) -> FileProblem:
    reason = printable(str(error).strip().partition("\n")[0] or type(error).__name__).rstrip(".")
    return FileProblem(f"{what}: {reason}.", "Look for mistakes in the address, and whether it can be reached.")
