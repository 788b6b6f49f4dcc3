"""The functions of libvirt_webrtc.domains.definition on text, for tests that compare text."""

from dataclasses import dataclass

from libvirt_webrtc.domains.definition import adding, display, policy, replacing, saved, settings
from libvirt_webrtc.domains.definition.display import DbusDisplay, Gl
from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.domains.definition.policy import UNKNOWN, Facts, GlChoice, Policy
from libvirt_webrtc.domains.definition.settings import Settings


def find_dbus_display(xml: str) -> DbusDisplay | None:
    return display.find_dbus_display(Document.parse(xml))


def add_dbus_display(xml: str, *, gl: Gl = Gl.AUTO) -> str:
    return adding.add_dbus_display(Document.parse(xml), gl=gl).text()


def remove_dbus_display(xml: str) -> str:
    return adding.remove_dbus_display(Document.parse(xml)).text()


def read_settings(xml: str) -> Settings:
    return settings.read_settings(Document.parse(xml))


def write_settings(xml: str, *, enabled: bool, gl: Gl | None = None) -> str:
    return settings.write_settings(Document.parse(xml), enabled=enabled, gl=gl).text()


def remove_remote_displays(xml: str) -> str:
    return replacing.remove_remote_displays(Document.parse(xml)).text()


def drop_private_bus(xml: str) -> str:
    return saved.drop_private_bus(Document.parse(xml)).text()


def takes_another_display(xml: str) -> bool:
    return saved.takes_another_display(Document.parse(xml))


@dataclass(frozen=True, slots=True)
class Decision:
    """As :class:`policy.Decision`, with the text of its document."""

    xml: str
    changed: bool
    wanted: bool
    reason: str
    obstacle: bool


def decide(xml: str, operators: Policy, facts: Facts = UNKNOWN) -> Decision:
    made = policy.decide(Document.parse(xml), operators, facts)
    return Decision(made.document.text(), made.changed, made.wanted, made.reason, made.obstacle)


def choose_gl(xml: str, operators: Policy) -> GlChoice:
    return policy.choose_gl(Document.parse(xml), operators)
