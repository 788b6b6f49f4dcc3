"""Runs all checks in order."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

from libvirt_webrtc.config.load import Config, state_dir
from libvirt_webrtc.doctor.access import check_access
from libvirt_webrtc.doctor.domain import check_domain, check_saved_domains
from libvirt_webrtc.doctor.findings import Finding, problem
from libvirt_webrtc.doctor.graphics import check_graphics
from libvirt_webrtc.doctor.hook import check_libvirt_hook, is_installed
from libvirt_webrtc.doctor.hypervisor import check_hypervisor
from libvirt_webrtc.doctor.ice import check_ice
from libvirt_webrtc.doctor.isolation import check_isolation
from libvirt_webrtc.doctor.issued import check_issued
from libvirt_webrtc.doctor.machine import (
    SystemUser,
    check_libvirt_group,
    check_port,
    check_token_file,
)
from libvirt_webrtc.doctor.sign_in import check_sign_in
from libvirt_webrtc.doctor.tls import check_tls
from libvirt_webrtc.domains.asking import ask
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.domains.libvirt_api import VirConnect, open_connection
from libvirt_webrtc.domains.uri import check_local, full_uri
from libvirt_webrtc.errors import ConfigError, HypervisorError, HypervisorUnavailable, NoAnswer
from libvirt_webrtc.hook.install import HOOKS_FOLDER
from libvirt_webrtc.probes.render import look_for_renderer
from libvirt_webrtc.worker.sandbox.survey import survey


def check_up(config: Config, domain: str | None = None) -> Iterator[Finding]:
    """Yield the findings of every check, those on ``domain`` last, each as soon as it is there.

    Blocking. Nothing in it waits without a limit; a libvirtd that is frozen costs some 10 s, one that answers no call
    ANSWER_S, a graphics driver that hangs 20 s.
    """
    user, session = SystemUser.current(), False
    connection: VirConnect | None = None
    try:
        try:
            uri = full_uri(config.uri)
            session = uri.split("?")[0].endswith("/session")
            check_local(uri)
            connection = open_connection(uri)
        except ConfigError as error:
            yield problem(
                "libvirt", str(error), "correct --uri, LIBVIRT_DEFAULT_URI, or uri_default in libvirt.conf"
            )
        except HypervisorUnavailable as error:
            yield problem("libvirt", str(error), _unreachable(session))
        else:
            yield from _asked(partial(check_hypervisor, connection))
        yield check_libvirt_group(user, session=session, connected=connection is not None)
        yield from check_graphics(user, config.gl, config.video.gl_device)
        yield from check_libvirt_hook(HOOKS_FOLDER, session=session, root=user.uid == 0)
        if connection is not None:
            hooked = False if session else is_installed(HOOKS_FOLDER)
            yield from _asked(partial(_saved, connection, hooked))
        yield from check_isolation(survey())
        yield check_port(config)
        yield check_tls(config)
        yield check_token_file(config)
        yield from asyncio.run(check_sign_in(config.sign_in))
        yield from check_access(config)
        yield from check_issued(state_dir(), config.share)
        yield from asyncio.run(check_ice(config.ice))
        if domain is not None and connection is not None:
            policy = Policy.of(config.auto_enable, config.gl, asyncio.run(look_for_renderer(config.gl)))
            yield from _asked(partial(check_domain, connection, domain, policy))
    except NoAnswer as error:
        connection = None  # the call still uses it
        yield problem("libvirt", str(error), "systemctl restart libvirtd (or virtqemud); guests go on")
    finally:
        if connection is not None:
            connection.close()


def _saved(connection: VirConnect, hooked: bool | None) -> Iterator[Finding]:
    try:
        yield from check_saved_domains(connection, hooked)
    except HypervisorError as error:
        yield problem("libvirt", str(error), "libvirt-webrtc doctor, once more")


def _asked(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """The findings of a check that asks libvirt. Raises NoAnswer."""
    return ask(lambda: list(check()))


def _unreachable(session: bool) -> str:
    if session:
        return "is libvirt's daemon installed? It starts by itself for qemu:///session"
    return (
        "is it running (systemctl start libvirtd, or virtqemud.socket), is your user in the group libvirt, and is "
        "--uri the right one?"
    )
