"""The part of libvirt's hook that reads XML: ``python -m libvirt_webrtc.hook POLICY-FILE``.

Runs for ``restore begin`` and ``migrate begin`` only, from ``hooks/qemu``, which bounds its time and prints nothing
unless all of this program's output came through: one line ``libvirt-webrtc SHA-256  -`` (as ``sha256sum`` prints it),
then the domain's XML. No output is "leave the domain as it is". It imports nothing that talks to libvirt, which answers
nobody while a hook runs.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.errors import ConfigError, DomainXMLError
from libvirt_webrtc.hook.filter import XML_LIMIT, filtered, sealed
from libvirt_webrtc.hook.policy_file import read_policy

EXIT_FAILED = 1
"""Exit status for a person who runs this by hand. ``hooks/qemu`` itself always ends with 0."""


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


if __name__ == "__main__":
    sys.exit(main())
