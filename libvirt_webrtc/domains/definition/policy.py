"""What a domain's definition should be, by the operator's policy and the domain's own settings.

Pure, and without libvirt: the hook decides by it as well, before libvirt answers anybody.

The display is added where the domain's settings say ``enabled="yes"``, or where the policy is ``all`` and they
do not say no. What somebody deleted by hand stays deleted until ``libvirt-webrtc enable``; what somebody else
wrote stays as it is. ``enabled="no"`` takes away what we added. In doubt the definition stays as it is.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from libvirt_webrtc.domains.definition.adding import (
    add_dbus_display,
    is_removed_by_hand,
    remove_dbus_display,
)
from libvirt_webrtc.domains.definition.display import Gl, find_dbus_display, other_displays
from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.domains.definition.settings import Settings, read_settings
from libvirt_webrtc.errors import DomainXMLError


class AutoEnable(StrEnum):
    """Which domains get a console without being asked for one by one."""

    NONE = "none"
    """No domain: no definition is changed without a command."""
    TAGGED = "tagged"
    """The domains whose own settings say yes."""
    ALL = "all"
    """All domains whose own settings do not say no."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator configured."""

    auto_enable: AutoEnable = AutoEnable.NONE
    gl: Gl = Gl.AUTO
    """Whether displays have OpenGL, for domains whose own settings do not say."""
    renders: bool | None = None
    """Whether QEMU can draw with a GPU of this host, which decides what ``auto`` means; None where nobody looked."""

    @classmethod
    def of(cls, auto_enable: str, gl: str, renders: bool | None = None) -> Self:
        """From the words of the configuration. Raises ValueError for unknown words."""
        return cls(AutoEnable(auto_enable), Gl(gl), renders)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision needs to know besides the XML."""

    persistent: bool = True
    """Whether there is a definition to change."""
    has_dbus: bool | None = None
    """Whether the domain's QEMU has the D-Bus display; None where nobody asked."""
    saved: bool = False
    """Whether the XML is of a guest that was saved or migrates: its devices must stay as they are."""


UNKNOWN = Facts()


@dataclass(frozen=True, slots=True)
class GlChoice:
    """Whether a display that we write has OpenGL, and why."""

    gl: Gl
    """As :func:`libvirt_webrtc.domains.definition.adding.add_dbus_display` takes it."""
    on: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with a definition."""

    document: Document
    """The definition as it should be; the document that was given where nothing is to be changed."""
    changed: bool
    wanted: bool
    """Whether settings or policy want a console for this domain."""
    reason: str
    """Why, for people: one sentence without a capital or a full stop."""
    obstacle: bool = False
    """Whether something keeps the domain from a console; False where merely nobody asked for one."""


def decide(document: Document, policy: Policy, facts: Facts = UNKNOWN) -> Decision:
    """What ``policy`` makes of a domain."""
    settings, display = read_settings(document), find_dbus_display(document)
    wanted, why = _wanted(settings, policy)

    def keep(reason: str, *, obstacle: bool = False) -> Decision:
        return Decision(document, False, wanted, reason, obstacle)

    if not facts.persistent:
        return keep(
            "it is transient, there is no definition to change: put the display into the XML that it is "
            "created from ('libvirt-webrtc xml add')",
            obstacle=True,
        )
    if settings.problem is not None:
        return keep(settings.problem, obstacle=True)
    if policy.auto_enable is AutoEnable.NONE:
        return keep("nothing is changed by itself: the policy is auto_enable=none")
    if display is not None and not display.ours:
        return keep("it has a D-Bus display that libvirt-webrtc did not add, which stays as it is")
    if settings.enabled is False:
        return keep(why) if display is None else Decision(remove_dbus_display(document), True, wanted, why)
    if is_removed_by_hand(document):
        return keep(
            "the display that was added to it was deleted by hand; 'enable' adds it again", obstacle=True
        )
    if not wanted:
        return keep(f"{why}; the display that libvirt-webrtc added before stays" if display else why)
    try:
        after = add_dbus_display(document, gl=choose_gl(document, policy).gl)
    except DomainXMLError as error:
        return keep(str(error), obstacle=True)
    if after is document:
        return keep(why)
    if facts.has_dbus is False:
        return keep("its QEMU has no D-Bus display", obstacle=True)
    if facts.saved and display is None and not _has_video(document):
        return keep(
            "libvirt would add a video device with the display, which the saved guest does not have",
            obstacle=True,
        )
    return Decision(after, True, wanted, why)


def choose_gl(document: Document, policy: Policy) -> GlChoice:
    """Whether the display is to have OpenGL: the domain's settings count before the policy.

    ``auto`` is on where nothing can keep the guest from starting so: QEMU can draw on this machine, and there is no
    VNC or SPICE, next to which it exits. Where nobody looked, ours stays as it is.
    """
    settings, display = read_settings(document), find_dbus_display(document)
    gl, said = (settings.gl, "its settings say") if settings.gl is not None else (policy.gl, "the policy is")
    if display is not None and not display.ours:
        return GlChoice(gl, display.gl, "as somebody else wrote the display")
    if gl is not Gl.AUTO:
        return GlChoice(gl, gl is Gl.ON, f"{said} gl={gl}")
    if policy.renders is None:
        if display is not None and display.gl:
            return GlChoice(gl, True, "as it was added before (gl=auto)")
        return GlChoice(gl, False, "nobody looked for a graphics card (gl=auto)")
    if not policy.renders:
        return GlChoice(Gl.OFF, False, "this machine has no graphics card that QEMU can draw with (gl=auto)")
    if beside := sorted(other_displays(document) & {"vnc", "spice"}):
        return GlChoice(Gl.OFF, False, f"next to {' and '.join(beside)} QEMU takes no OpenGL (gl=auto)")
    return GlChoice(Gl.ON, True, "QEMU can draw with this machine's graphics card (gl=auto)")


def _wanted(settings: Settings, policy: Policy) -> tuple[bool, str]:
    if settings.problem is not None:
        return False, settings.problem
    if settings.enabled is not None:
        return settings.enabled, f"its settings say enabled={'yes' if settings.enabled else 'no'}"
    if policy.auto_enable is AutoEnable.ALL:
        return True, "the policy is auto_enable=all"
    return False, f"its settings do not ask for a console, and the policy is auto_enable={policy.auto_enable}"


def _has_video(document: Document) -> bool:
    """Whether a display brings no further device. To a domain that has none of the two, libvirt adds a video
    device with it, and then refuses to restore: "Target domain video card count 1 does not match" [11.3]."""
    root = document.root
    return root.find("devices/video") is not None or root.find("devices/graphics") is not None
