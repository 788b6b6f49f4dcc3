"""Adding and removing the D-Bus display: golden files, round trips, refusals.

``REGENERATE=1 pytest tests/domains/definition/test_adding.py`` writes the ``-out.xml`` files anew; read the diff.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import etree

from libvirt_webrtc.domains.definition.display import DbusDisplay, Gl
from libvirt_webrtc.domains.definition.signature import NAMESPACE
from libvirt_webrtc.errors import DomainXMLError
from tests.domains.corpus import (
    DATA,
    GOLDEN,
    HUGE,
    OF_SOMEBODY_ELSE,
    OURS,
    REFUSED,
    SHAPES,
    canonical,
    gl_of,
    read,
)
from tests.support.domain_xml import add_dbus_display, find_dbus_display, remove_dbus_display

VNC = "<graphics type='vnc'/>"
DBUS = "<graphics type='dbus' p2p='yes'/>"


def domain(devices: str = "", metadata: str = "", kind: str = "type='kvm'") -> str:
    return f"<domain {kind}><name>g</name>{metadata}<devices>{devices}</devices></domain>"


def signature(xml: str) -> "etree._Element | None":
    return etree.fromstring(xml.encode()).find(f"metadata/{{{NAMESPACE}}}domain")


def test_the_corpus_is_wide() -> None:
    assert len(SHAPES) + len(REFUSED) >= 62
    assert len(read(f"{HUGE}-in.xml").encode()) >= 1_000_000


@pytest.mark.parametrize("name", REFUSED)
def test_refused_shape_is_refused_and_left_alone(name: str) -> None:
    original = read(f"{name}-in.xml")
    with pytest.raises(DomainXMLError):
        add_dbus_display(original, gl=gl_of(name))
    assert remove_dbus_display(original) == original


@pytest.mark.parametrize("name", GOLDEN)
def test_add_gives_the_golden_file(name: str) -> None:
    result = add_dbus_display(read(f"{name}-in.xml"), gl=gl_of(name))
    if os.environ.get("REGENERATE"):
        (DATA / f"{name}-out.xml").write_bytes(result.encode())
    assert result == read(f"{name}-out.xml")


@pytest.mark.parametrize("name", SHAPES)
def test_add_twice_is_add_once(name: str) -> None:
    once = add_dbus_display(read(f"{name}-in.xml"), gl=gl_of(name))
    assert add_dbus_display(once, gl=gl_of(name)) == once
    assert add_dbus_display(once) == once


@pytest.mark.parametrize("name", SHAPES)
def test_remove_after_add_gives_the_original(name: str) -> None:
    original = read(f"{name}-in.xml")
    restored = remove_dbus_display(add_dbus_display(original, gl=gl_of(name)))
    assert canonical(restored) == canonical(original)
    start = original.find("<domain")
    assert restored[: restored.find("<domain")] == original[:start]
    assert restored[len(restored.rstrip()) :] == original[len(original.rstrip()) :]


@pytest.mark.parametrize("name", SHAPES)
def test_remove_without_add_changes_nothing(name: str) -> None:
    original = read(f"{name}-in.xml")
    assert remove_dbus_display(original) == original


@pytest.mark.parametrize("name", OURS)
def test_display_stands_behind_all_other_graphics(name: str) -> None:
    original, result = read(f"{name}-in.xml"), add_dbus_display(read(f"{name}-in.xml"), gl=gl_of(name))
    kinds = [g.get("type") for g in etree.fromstring(result.encode()).findall("devices/graphics")]
    before = [g.get("type") for g in etree.fromstring(original.encode()).findall("devices/graphics")]
    assert kinds == [*before, "dbus"]
    gl = gl_of(name) is Gl.ON
    assert find_dbus_display(result) == DbusDisplay(len(before), p2p=True, address=None, gl=gl, ours=True)


@pytest.mark.parametrize("name", OF_SOMEBODY_ELSE)
def test_display_of_somebody_else_is_left_alone(name: str) -> None:
    original = read(f"{name}-in.xml")
    display = find_dbus_display(original)
    assert display is not None and not display.ours
    for gl in Gl:
        assert add_dbus_display(original, gl=gl) == original


@pytest.mark.parametrize("name", OURS)
def test_remove_finds_the_display_after_reformatting(name: str) -> None:
    """libvirt drops comments and white space, and lays the document out anew."""

    def laid_out(xml: str) -> str:
        parser = etree.XMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
        root = etree.fromstring(xml.encode(), parser)
        etree.indent(root)
        return etree.tostring(root, encoding="unicode")

    def bare(xml: str) -> bytes:
        root = etree.fromstring(laid_out(xml).encode())
        for element in root.iter():
            element.text = (element.text or "").strip() or None
            element.tail = (element.tail or "").strip() or None
        return etree.tostring(root, method="c14n")

    original = read(f"{name}-in.xml")
    added = laid_out(add_dbus_display(original, gl=gl_of(name)))
    assert bare(remove_dbus_display(added)) == bare(original)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.skipif(shutil.which("virt-xml-validate") is None, reason="virt-xml-validate is not installed")
def test_result_fits_the_schema_where_the_original_does(name: str, tmp_path: Path) -> None:
    def fits(xml: str) -> bool:
        path = tmp_path / "domain.xml"
        path.write_bytes(xml.encode(_encoding(xml)))
        run = subprocess.run(["virt-xml-validate", path, "domain"], capture_output=True)
        return run.returncode == 0

    def _encoding(xml: str) -> str:
        return "iso-8859-1" if "ISO-8859-1" in xml else "utf-8"

    original = read(f"{name}-in.xml")
    if not fits(original):
        pytest.skip("the original does not fit the schema either")
    assert fits(add_dbus_display(original, gl=gl_of(name)))


def test_find_counts_all_graphics() -> None:
    xml = domain(VNC + "<graphics type='spice'/><graphics type='dbus' address='unix:path=/b'/>")
    assert find_dbus_display(xml) == DbusDisplay(2, p2p=False, address="unix:path=/b", gl=False, ours=False)


def test_find_gives_none_without_one() -> None:
    assert find_dbus_display(domain(VNC)) is None


def test_find_knows_ours_with_the_render_node_libvirt_chose() -> None:
    added = add_dbus_display(domain(), gl=Gl.ON)
    live = added.replace('<gl enable="yes"/>', '<gl enable="yes" rendernode="/dev/dri/renderD128"/>')
    assert live != added
    display = find_dbus_display(live)
    assert display is not None and display.ours and display.gl
    assert canonical(remove_dbus_display(live)) == canonical(domain())


@pytest.mark.parametrize(
    "edited",
    [
        "<graphics type='dbus' p2p='yes'><audio id='1'/></graphics>",
        "<graphics type='dbus' p2p='yes'><gl enable='yes'/></graphics>",
        "<graphics type='dbus' p2p='yes'><!-- mine --></graphics>",
        "<graphics type='dbus' address='unix:path=/b'/>",
        "<graphics type='dbus'/>",
    ],
)
def test_display_that_somebody_changed_is_theirs(edited: str) -> None:
    added = add_dbus_display(domain(VNC))
    theirs = added.replace('<graphics type="dbus" p2p="yes"/>', edited)
    assert theirs != added
    display = find_dbus_display(theirs)
    assert display is not None and not display.ours
    for result in (remove_dbus_display(theirs), add_dbus_display(theirs)):
        assert canonical(result) == canonical(domain(VNC + edited))


def test_deleted_display_leaves_a_signature_that_remove_clears_and_add_renews() -> None:
    deleted = add_dbus_display(domain(VNC)).replace('<graphics type="dbus" p2p="yes"/>', "")
    assert signature(deleted) is not None
    assert canonical(remove_dbus_display(deleted)) == canonical(domain(VNC))
    assert add_dbus_display(deleted) == add_dbus_display(domain(VNC))


def test_metadata_that_came_later_stays() -> None:
    theirs = "<a:b xmlns:a='urn:a'/>"
    added = add_dbus_display(domain(VNC))
    later = added.replace("</metadata>", f"{theirs}</metadata>")
    assert canonical(remove_dbus_display(later)) == canonical(domain(VNC, f"<metadata>{theirs}</metadata>"))


def test_add_with_another_gl_changes_ours() -> None:
    off = add_dbus_display(domain(), gl=Gl.OFF)
    on = add_dbus_display(off, gl=Gl.ON)
    assert on == add_dbus_display(domain(), gl=Gl.ON)
    assert add_dbus_display(on, gl=Gl.AUTO) == on
    assert add_dbus_display(on, gl=Gl.OFF) == off


def test_gl_enable_no_is_the_same_as_no_gl() -> None:
    added = add_dbus_display(domain())
    spelled_out = added.replace('p2p="yes"/>', 'p2p="yes"><gl enable="no"/></graphics>')
    display = find_dbus_display(spelled_out)
    assert display is not None and display.ours and not display.gl
    assert canonical(remove_dbus_display(spelled_out)) == canonical(domain())


def test_four_megabytes_round_trip() -> None:
    disks = "".join(
        f"\n    <disk type='file'><target dev='vd{n}'/></disk><!-- {n} -->" for n in range(70_000)
    )
    original = domain(disks + VNC)
    assert len(original) > 4_000_000
    assert canonical(remove_dbus_display(add_dbus_display(original))) == canonical(original)


def commandline(*options: str) -> str:
    """A domain with options for QEMU."""
    space = "http://libvirt.org/schemas/domain/qemu/1.0"
    values = "".join(f"<q:arg value='{option}'/>" for option in options)
    return domain().replace(
        "</domain>", f"<q:commandline xmlns:q='{space}'>{values}</q:commandline></domain>"
    )


SPICE_GL = "<graphics type='spice'><gl enable='yes'/></graphics>"
BLOB = "<video><model type='virtio' blob='on'/></video>"
ACCEL = "<video><model type='virtio'><acceleration accel3d='yes'/></model></video>"


@pytest.mark.parametrize(
    ("xml", "gl", "advice"),
    [
        (domain("<graphics type='spice'/>"), Gl.ON, "'spice'.*use gl off"),
        (domain(VNC), Gl.ON, "'vnc'.*use gl off"),
        (domain("<graphics type='sdl'/>"), Gl.AUTO, "'sdl'.*remove that element"),
        (domain("<graphics type='sdl'/>"), Gl.ON, "'sdl'.*remove that element"),
        (domain(VNC + "<graphics type='egl-headless'/>"), Gl.OFF, "'egl-headless'.*remove that element"),
        (domain("<graphics type='egl-headless'/>"), Gl.ON, "'egl-headless'.*remove that element"),
        (domain(VNC + BLOB), Gl.AUTO, "blob='on'.*use gl on"),
        (domain(VNC + BLOB), Gl.OFF, "blob='on'.*use gl on"),
        (domain(VNC + ACCEL), Gl.OFF, "accel3d='yes'.*use gl on"),
        (domain(f"<graphics type='spice'/>{ACCEL}"), Gl.OFF, "accel3d='yes'"),
        (domain(SPICE_GL + ACCEL), Gl.OFF, "next to SPICE with OpenGL.*--replace-graphics"),
        (domain(SPICE_GL), Gl.AUTO, "next to SPICE with OpenGL.*<gl enable"),
        (domain("<graphics type='rdp'/>"), Gl.AUTO, "'rdp'.*without p2p"),
        (domain("<video><model type='none'/></video>"), Gl.AUTO, "no screen.*type='virtio'"),
        (commandline("-nographic"), Gl.AUTO, "'-nographic'.*remove that option"),
        (commandline("--nographic"), Gl.ON, "'-nographic'.*remove that option"),
        (commandline("-display", "none"), Gl.AUTO, "'-display none'.*remove that option"),
        (commandline("-cpu", "host", "--display", "gtk,gl=on"), Gl.AUTO, "'-display gtk,gl=on'"),
        (commandline("-display"), Gl.AUTO, "'-display'"),
        (domain(DBUS + DBUS), Gl.AUTO, "2 D-Bus displays.*remove"),
        (domain(kind="type='lxc'"), Gl.AUTO, "type 'lxc'"),
        (add_dbus_display(domain(), gl=Gl.ON).replace("<devices>", f"<devices>{VNC}"), Gl.AUTO, "use gl off"),
        (add_dbus_display(domain()).replace("<devices>", f"<devices>{BLOB}"), Gl.AUTO, "use gl on"),
    ],
)
def test_add_refuses_what_would_break_the_domain_or_show_nothing_and_says_what_to_do(
    xml: str, gl: Gl, advice: str
) -> None:
    with pytest.raises(DomainXMLError, match=advice):
        add_dbus_display(xml, gl=gl)


@pytest.mark.parametrize(
    "xml",
    [
        domain("<graphics type='spice'><gl enable='no'/></graphics>"),
        # The screen of a mediated device; libvirt's own choice where there is no <video> at all.
        domain("<hostdev mode='subsystem' type='mdev' display='on'/><video><model type='none'/></video>"),
        domain("<video><model type='none'/></video><video><model type='vga'/></video>"),
        domain("<graphics type='rdp'/><graphics type='dbus'/>"),
        # Both were tried: libvirt gives QEMU the device by -device, and -display vnc stands beside dbus [QEMU 10.0].
        commandline("-vga", "none"),
        commandline("-display", "vnc=unix:/run/x"),
        commandline("-display", "dbus,p2p=on"),
        commandline("-name", "-nographics"),
    ],
)
def test_add_takes_what_only_looks_like_it(xml: str) -> None:
    assert find_dbus_display(add_dbus_display(xml)) is not None


BOMB = "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(12)
)


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        ("", "well-formed"),
        ("not xml", "well-formed"),
        ("<domain><name></domain>", "well-formed"),
        ("<domain/><domain/>", "well-formed"),
        ("<domain>\0</domain>", "well-formed"),
        ("<domain>\ud800</domain>", "well-formed"),
        ("<domain>&undefined;</domain>", "well-formed"),
        ("<domain>" * 100_000, "well-formed"),
        ("  <?xml version='1.0'?><domain/>", "well-formed"),
        ("<domainsnapshot><domain/></domainsnapshot>", "not a domain.*<domainsnapshot>"),
        ("<domain xmlns='urn:x'/>", "not a domain"),
        ("<!DOCTYPE domain><domain/>", "DOCTYPE"),
        ("<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>", "DOCTYPE"),
        ("<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain>&x;</domain>", "DOCTYPE"),
        (f"{BOMB}]><domain>&m;</domain>", "DOCTYPE|well-formed"),
        (f"{BOMB}]><domain a='&m;'/>", "DOCTYPE|well-formed"),
    ],
)
def test_what_is_no_domain_is_refused(xml: str, why: str) -> None:
    for function in (find_dbus_display, add_dbus_display, remove_dbus_display):
        with pytest.raises(DomainXMLError, match=why):
            function(xml)
