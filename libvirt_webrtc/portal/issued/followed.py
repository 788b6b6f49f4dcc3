"""A file of records as it is now, followed while others change it."""

import logging
from collections.abc import Mapping
from typing import Generic, TypeVar

from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.errors import StateError
from libvirt_webrtc.portal.issued.api_tokens import ApiToken
from libvirt_webrtc.portal.issued.record_file import RecordFile, Version
from libvirt_webrtc.portal.issued.share_links import ShareLink

log = logging.getLogger(__name__)

Secret = TypeVar("Secret", ApiToken, ShareLink)


class Followed(Generic[Secret]):
    """The records of a file in memory, so that a request need not wait for a disk.

    While the file cannot be used there are none: who could not be taken back must not come in.

    Attributes:
        by_id: the records by their public id.
        by_hash: the same by their secret's hash.
    """

    def __init__(self, file: RecordFile[Secret]) -> None:
        self._file: RecordFile[Secret] = file
        self._version: Version = None
        self.by_id: Mapping[str, Secret] = {}
        self.by_hash: Mapping[str, Secret] = {}

    @property
    def is_stale(self) -> bool:
        """Whether the file has changed since it was read: one call of ``stat``, for the event loop itself."""
        return self._file.version() != self._version

    async def refresh(self) -> tuple[list[Secret], list[Secret]]:
        """Read the file where it has changed; returns what was added to it, and what was taken away."""
        # Before reading: what changes meanwhile is seen the next time.
        version = self._file.version()
        if version == self._version:
            return [], []
        try:
            records = await in_thread(self._file.read)
        except StateError as error:
            log.error("%s; nothing of it counts until it can be used again", error)
            records = []
        self._version = version
        before = self.by_id
        self.by_id = {record.id: record for record in records}
        self.by_hash = {record.hash: record for record in records}
        added = [record for record in records if record.id not in before]
        return added, [record for record in before.values() if record.id not in self.by_id]
