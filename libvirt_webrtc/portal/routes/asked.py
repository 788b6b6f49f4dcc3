"""Which console a request is about, and how it is told that there is none."""

from aiohttp import web

from libvirt_webrtc.agent import limits
from libvirt_webrtc.agent.interface import Agent, ConsoleState
from libvirt_webrtc.errors import LibvirtWebRTCError, NoConsole
from libvirt_webrtc.portal.auth.session import Session
from libvirt_webrtc.portal.problems import BUSY_RETRY_S, Problem
from libvirt_webrtc.portal.routes.paths import UUID

CONSOLE = f"/api/domains/{UUID}/consoles/{{console:[0-9]{{1,3}}}}"
"""What the paths of a console begin with."""


def which_console(request: web.Request) -> tuple[str, int]:
    """The domain's UUID, and the console's number."""
    return request.match_info["uuid"].lower(), int(request.match_info["console"])


def meanwhile(session: Session) -> Problem:
    """The answer where a console was opened, and must not stay open."""
    if session.ended.is_set():
        return Problem(401, "not_signed_in", "the session ended meanwhile")
    return Problem(403, "role_too_low", "your role for the domain was taken away meanwhile")


def console_problem(agent: Agent, uuid: str, error: LibvirtWebRTCError | TimeoutError) -> Problem:
    """The answer where the agent did not open a console, or not within ``AGENT_ANSWER_S``.

    ``404`` for a number that a ready domain does not have; ``409`` where it has no console for now.
    """
    if isinstance(error, TimeoutError):
        message = f"the console did not answer within {limits.AGENT_ANSWER_S:.0f} seconds"
        return Problem(503, "console_silent", message, retry_after_s=BUSY_RETRY_S)
    if not isinstance(error, NoConsole):
        return Problem.of(error)
    for domain in agent.list().domains:
        if domain.uuid == uuid and domain.console_state is ConsoleState.READY:
            return Problem(404, "no_such_console", str(error))
    return Problem(409, "no_console", str(error))
