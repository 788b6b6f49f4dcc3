"""Checks of the user who runs this, and of the host: groups, port, token."""

import errno
import grp
import json
import os
import pwd
import socket
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.doctor.findings import Finding, ok, problem, warning
from libvirt_webrtc.portal.announcement import portal_url

HEALTH_S = 2.0
"""How long a portal on the port may take to answer."""


@dataclass(frozen=True, slots=True)
class SystemUser:
    """The user of this process."""

    uid: int
    name: str
    groups: frozenset[str]
    """The groups that this process has."""
    entered: frozenset[str]
    """The groups that the group database has for the user: a process has them from the next login on."""

    @classmethod
    def current(cls) -> "SystemUser":
        uid = os.geteuid()
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:  # a container's user
            name = str(uid)
        names = {group.gr_gid: group.gr_name for group in grp.getgrall()}
        own = {*os.getgroups(), os.getegid()}
        return cls(
            uid,
            name,
            frozenset(names.get(gid, str(gid)) for gid in own),
            frozenset(group.gr_name for group in grp.getgrall() if name in group.gr_mem),
        )


def check_libvirt_group(user: SystemUser, *, session: bool, connected: bool) -> Finding:
    """Find out whether the user may use the system's libvirt.

    Args:
        session: libvirt is the user's own.
        connected: a connection could be opened all the same.
    """
    subject = "group libvirt"
    if session:
        return ok(subject, "not needed: qemu:///session is this user's own libvirt")
    if user.uid == 0:
        return ok(subject, "not needed by root")
    if "libvirt" in user.groups:
        return ok(subject, f"{user.name} is in it")
    if "libvirt" in user.entered:
        text, remedy = f"{user.name} is in it from the next login on", "log in anew"
    else:
        text, remedy = (
            f"{user.name} is not in it",
            f"sudo usermod --append --groups libvirt {user.name}, and log in anew",
        )
    if connected:
        return warning(subject, f"{text}; libvirt lets it in all the same", remedy)
    return problem(subject, text, remedy)


def check_port(config: Config) -> Finding:
    """Find out whether the portal can listen on its address, or does so already."""
    subject, address = "port", config.listen.authority
    family = socket.AF_INET6 if ":" in config.listen.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((config.listen.host, config.listen.port))
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            if (version := _serving(config)) is not None:
                return ok(subject, f"libvirt-webrtc {version} serves at {portal_url(config)}/")
            return problem(
                subject, f"{address} is taken by another program", "choose another: serve --listen HOST:PORT"
            )
        return problem(subject, f"{address}: {error.strerror}", "choose another: serve --listen HOST:PORT")
    return ok(subject, f"{address} is free")


def check_token_file(config: Config) -> Finding:
    """Find out whether the login token's file can be used, and only its owner can read it."""
    path = config.token_file
    if path is None:
        return ok("token", "a new one at every start; token_file keeps one")
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if os.access(path.parent, os.W_OK):
            return ok("token", f"{path} is made at the first start")
        return problem(
            "token", f"{path} cannot be made", f"create {path.parent}, for the service's user to write"
        )
    except OSError as error:
        return problem("token", f"{path}: {error.strerror}", "let the service's user read it")
    if mode & 0o077:
        return problem("token", f"{path} can be read by others", f"chmod 600 {path}")
    return ok("token", f"in {path}")


def _serving(config: Config) -> str | None:
    """The version of the portal that serves at the configured address; None where something else does."""
    listen = config.listen
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)
    scheme = "https" if config.needs_tls else "http"
    url = f"{scheme}://{ListenAddress(here, listen.port).authority}/healthz"
    # Whose certificate it is makes no difference to whether something serves.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=HEALTH_S, context=context) as response:
            answer = json.load(response)
    except (OSError, ValueError):
        return None
    found = answer.get("version") if isinstance(answer, dict) and answer.get("status") == "ok" else None
    return found if isinstance(found, str) else None
