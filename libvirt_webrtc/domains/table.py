"""The domains as they were last read, and what is known to be wrong with each."""

import logging
from collections.abc import Iterable
from dataclasses import replace

from libvirt_webrtc.domains.reading import Identity
from libvirt_webrtc.domains.snapshot import Domain, DomainState

log = logging.getLogger(__name__)


class DomainTable:
    """Takes what :mod:`libvirt_webrtc.domains.reading` gives. Not thread-safe: used on the event loop only."""

    def __init__(self) -> None:
        self._domains: dict[str, Domain] = {}
        self._problems: dict[str, str] = {}
        self._reverted: set[str] = set()

    def __len__(self) -> int:
        return len(self._domains)

    def replace_all(self, domains: Iterable[Domain]) -> None:
        """Take a whole new list. The problems of domains that are still there are kept."""
        self._domains = {domain.uuid: self._completed(domain) for domain in domains}

    def put(self, uuid: str, domain: Domain | None) -> None:
        """Take one domain as it is now; None for one that is gone."""
        if domain is not None:
            self._domains[uuid] = self._completed(domain)
            if domain.next_display is not None:
                self._reverted.discard(uuid)
        else:
            self._domains.pop(uuid, None)
            self._problems.pop(uuid, None)
            self._reverted.discard(uuid)

    def note_revert(self, uuid: str) -> None:
        """Remember that a domain was set back to a snapshot, if it had a display in its definition before.

        Called before the domain is read again: a definition that still has one ends the matter.
        """
        before = self._domains.get(uuid)
        if before is not None and before.next_display is not None:
            self._reverted.add(uuid)

    def set_problem(self, uuid: str, problem: str | None) -> None:
        """Show with a domain why its plan was given up, until the domain is gone; None for no more."""
        if problem is not None and uuid in self._domains:
            self._problems[uuid] = problem
        else:
            self._problems.pop(uuid, None)

    def domains(self) -> tuple[Domain, ...]:
        """All domains with their problems, by name."""
        ordered = sorted(self._domains.values(), key=lambda domain: (domain.name, domain.uuid))
        return tuple(
            replace(
                domain,
                problem=self._problems.get(domain.uuid),
                reverted=domain.uuid in self._reverted,
            )
            for domain in ordered
        )

    def differing(self, present: set[Identity]) -> set[str]:
        """The UUIDs of the domains that are not as ``present`` says, and of those that could not be read."""
        known = {(d.uuid, d.name, d.id, d.state) for d in self._domains.values()}
        unreadable = {d.uuid for d in self._domains.values() if d.unreadable is not None}
        return {identity[0] for identity in known ^ present} | unreadable

    def _completed(self, domain: Domain) -> Domain:
        """A domain that libvirt refused to tell about: with what was known before, as long as the same QEMU runs.

        Its worker goes on then: one refused call says nothing about the guest.
        """
        before = self._domains.get(domain.uuid)
        if domain.unreadable != (before.unreadable if before is not None else None):
            if domain.unreadable is not None:
                log.warning("domain %s is passed over: %s", domain.name, domain.unreadable)
            else:
                log.info("domain %s can be read again", domain.name)
        if domain.state is DomainState.UNKNOWN and before is not None and before.id == domain.id:
            return replace(before, unreadable=domain.unreadable)
        return domain
