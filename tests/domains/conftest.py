"""Small domains, under the names that these tests use."""

from tests.support.domains import DBUS, VIDEO, VNC, MakeDomain, domain_xml

__all__ = ["DBUS", "VIDEO", "VNC", "MakeDomain", "domain_xml"]
