"""How often listeners were registered with each domain's QEMU, kept for the service that comes after this one.

QEMU 9.0 to 10.x leaks each until it ends (:mod:`libvirt_webrtc.display.registrations`), and outlives the service.
"""

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from libvirt_webrtc.config.state_files import boot_id, write_whole

log = logging.getLogger(__name__)

SIZE_LIMIT = 4096
"""Bytes of a file that are read; it holds a URI, a boot id and two numbers."""


class RegistrationCount:
    """The registrations with one QEMU process.

    Attributes:
        used: how many were asked for so far.
    """

    def __init__(self, used: int = 0, on_change: Callable[[int], None] | None = None) -> None:
        self.used = used
        self._on_change = on_change

    def tell(self, used: int) -> None:
        """A worker tells of so many. It is not believed when it tells of fewer than are known."""
        if used > self.used:
            self.used = used
            if self._on_change is not None:
                self._on_change(used)

    def begin_anew(self) -> None:
        """There is another QEMU, or none: the next one has leaked nothing yet."""
        self.used = 0


class RegistrationCounts:
    """A file in ``folder`` for each running domain of one libvirt that was looked at, named by the domain's UUID.

    It counts for the domain's present run: with libvirt's number of that, on this boot of the machine. What cannot be
    read counts as nothing; what cannot be written is logged, and counts until this process ends.
    """

    def __init__(self, folder: Path, uri: str) -> None:
        self._folder = folder
        self._key = {"uri": uri, "boot": _boot()}
        self._files: dict[str, int] = {}
        """Which run of which domain has a file."""
        self._used: dict[tuple[str, int], int] = {}
        for path in _files(folder):
            self._read(path)

    def of(self, uuid: str, number: int) -> RegistrationCount:
        """The count of a running domain: ``number`` is libvirt's for this run."""

        def write(used: int) -> None:
            self._write(uuid, number, used)

        return RegistrationCount(self._used.get((uuid, number), 0), write)

    def keep(self, running: Iterable[tuple[str, int]]) -> None:
        """Forget every run that is over: all but these, by UUID and libvirt's number."""
        runs = set(running)
        for uuid, number in list(self._files.items()):
            if (uuid, number) not in runs:
                del self._files[uuid]
                self._used.pop((uuid, number), None)
                _remove(self._folder / uuid)

    def _read(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                found = json.loads(file.read(SIZE_LIMIT))
            number, used = found.pop("run"), found.pop("used")
        except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
            log.warning("the count of registrations in %s is passed over: %r", path, error)
            return
        if found.get("boot") != self._key["boot"]:
            _remove(path)
        elif found == self._key and type(number) is int and type(used) is int:
            self._files[path.name] = number
            self._used[path.name, number] = used

    def _write(self, uuid: str, number: int, used: int) -> None:
        self._used[uuid, number] = used
        path = self._folder / uuid
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            content = json.dumps({**self._key, "run": number, "used": used})
            # With the machine's power goes every QEMU, too.
            write_whole(path, content, durable=False)
        except OSError as error:
            log.warning("the count of registrations of domain %s is not kept: %s", uuid, error)
        else:
            self._files[uuid] = number


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("cannot see how often listeners were registered before: %s", error)
        return []


def _boot() -> str:
    try:
        return boot_id()
    except OSError:
        return ""


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("the count of registrations in %s stays: %s", path, error)
