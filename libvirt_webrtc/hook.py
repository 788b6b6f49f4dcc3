"""The part of libvirt's hook that reads XML: ``python -m libvirt_webrtc.hook POLICY-FILE``.

Runs for ``restore begin`` and ``migrate begin`` only, from ``hooks/qemu``, which bounds its time and prints nothing
unless all of this program's output came through: one line ``libvirt-webrtc SHA-256  -`` (as ``sha256sum`` prints it),
then the domain's XML. No output is "leave the domain as it is". It imports nothing that talks to libvirt, which answers
nobody while a hook runs.
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from libvirt_webrtc.domains.document import Document
from libvirt_webrtc.domains.emulator import display_backends
from libvirt_webrtc.domains.policy import Facts, Policy, decide
from libvirt_webrtc.domains.saved import drop_private_bus, takes_another_display
from libvirt_webrtc.domains.xml import find_dbus_display
from libvirt_webrtc.errors import ConfigError, DomainXMLError
from libvirt_webrtc.hook_policy import read_policy

XML_LIMIT = 4 << 20
"""Bytes of XML that are read: libvirt's own limit for a string that comes over its API."""

EMULATOR_LIMIT_S = 1.0
"""Of the two seconds that there are."""

EXIT_FAILED = 1
"""For a person who looks; ``hooks/qemu`` itself ends with 0 whatever happens here."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Filter a domain from standard input to standard output."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        (policy_file,) = arguments
    except ValueError:
        print("usage: python -m libvirt_webrtc.hook POLICY-FILE", file=sys.stderr)
        return EXIT_FAILED
    data = sys.stdin.buffer.read(XML_LIMIT + 1)
    try:
        policy = read_policy(Path(policy_file))
    except ConfigError as error:
        print(f"nothing is added: {error}", file=sys.stderr)
        policy = Policy()
    try:
        answer = filtered(data, policy)
    except DomainXMLError as error:
        print(f"the domain stays as it is: {error}", file=sys.stderr)
        return EXIT_FAILED
    if answer is not None:
        sys.stdout.buffer.write(sealed(answer))
        sys.stdout.buffer.flush()
    return 0


def filtered(data: bytes, policy: Policy) -> bytes | None:
    """What libvirt is to take instead of ``data``; None for "as it is".

    Adds the display where ``policy`` wants it and both the guest and its QEMU can take it, never one with OpenGL: a
    host on which that does not work would not get its guest back. Takes nothing away but a dead address.
    Raises DomainXMLError where ``data`` is no domain, or too long.
    """
    if len(data) > XML_LIMIT:
        raise DomainXMLError(f"its XML is longer than {XML_LIMIT} bytes")
    try:
        before = data.decode()
    except UnicodeDecodeError as error:
        raise DomainXMLError(f"its XML is not UTF-8 text: {error}") from error
    after = drop_private_bus(before)
    if find_dbus_display(after) is None and takes_another_display(after):
        decision = decide(after, policy, Facts(saved=True))
        display = find_dbus_display(decision.xml)
        if display is not None and not display.gl and _can_start_with_it(after):
            after = decision.xml
    if after == before:
        return None
    Document.parse(after)
    return after.encode()


def _can_start_with_it(xml: str) -> bool:
    """libvirt writes the emulator into every saved domain; without one there is nothing to ask."""
    emulator = Document.parse(xml).root.findtext("devices/emulator")
    return emulator is None or "dbus" in (display_backends(Path(emulator), EMULATOR_LIMIT_S) or ())


def sealed(xml: bytes) -> bytes:
    """``xml`` behind the line by which ``hooks/qemu`` knows that it is whole."""
    xml = xml.rstrip(b"\n")  # as the shell does
    return f"libvirt-webrtc {hashlib.sha256(xml).hexdigest()}  -\n".encode() + xml


if __name__ == "__main__":
    sys.exit(main())
