"""The golden corpus: domains of many shapes under ``tests/data/xml``.

``NAME-in.xml`` is a domain, ``NAME-out.xml`` the same with our display. The name tells what is special:
``-of-somebody-else`` has a D-Bus display already, ``-gl-on`` takes ours with gl on, ``-refused`` takes none.
They were written for these tests, after what the tools they are named for write, with invented identities.
"""

import re
from pathlib import Path

from lxml import etree

from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.definition.settings import SETTINGS_NAMESPACE

DATA = Path(__file__).parent.parent / "data" / "xml"

HUGE = "huge"
"""A made one of more than a megabyte."""

_NAMES = sorted(path.name.removesuffix("-in.xml") for path in DATA.glob("*-in.xml"))
REFUSED = [name for name in _NAMES if name.endswith("-refused")]
GOLDEN = [name for name in _NAMES if name not in REFUSED]
SHAPES = [*GOLDEN, HUGE]
OF_SOMEBODY_ELSE = [name for name in SHAPES if "of-somebody-else" in name]
OURS = [name for name in SHAPES if name not in OF_SOMEBODY_ELSE]


def read(name: str) -> str:
    """The text of one file."""
    if name == f"{HUGE}-in.xml":
        return _huge()
    # Path.read_text would turn \r\n into \n.
    return (DATA / name).read_bytes().decode()


def gl_of(name: str) -> Gl:
    """The gl that a shape is meant for."""
    return Gl.ON if name.endswith("-gl-on") else Gl.AUTO


def canonical(xml: str) -> bytes:
    """C14N."""
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, huge_tree=True)
    return etree.tostring(etree.fromstring(xml.encode(), parser).getroottree(), method="c14n")


def without_settings(xml: str) -> str:
    """The element with the settings stays behind ``enable`` and ``disable``; nothing else does."""
    xml = re.sub(rf"\n *<lvws:console xmlns:lvws=\"{SETTINGS_NAMESPACE}\" [^>]*/>", "", xml)
    return re.sub(r"\n *<metadata>\s*</metadata>", "", xml)


def _huge() -> str:
    """An inventory system's notes in the metadata, a long description, and a hundred disks."""
    notes = "\n".join(
        f'      <note id="{n}" seen="2026-01-02T03:04:05Z">package-{n} 1.{n} &amp; its \u201cfiles\u201d</note>'
        for n in range(11_000)
    )
    disks = "\n".join(
        f"    <disk type='file' device='disk'>\n      <source file='/srv/{n}.img'/>\n"
        f"      <target dev='sd{chr(97 + n // 26)}{chr(97 + n % 26)}' bus='scsi'/>\n    </disk>"
        for n in range(100)
    )
    vnc = read("vnc-in.xml")
    head, _, rest = vnc.partition("  <memory")
    first, _, last = rest.partition("    <graphics")
    metadata = f'  <metadata>\n    <i:inventory xmlns:i="urn:inventory">\n{notes}\n    </i:inventory>\n  </metadata>\n'
    description = f"  <description>{'All that is known of it. ' * 4_000}</description>\n"
    return f"{head}{description}{metadata}  <memory{first}{disks}\n    <graphics{last}"
