"""What everything that can be asked for needs: the one list of it.

The gate holds requests to ``ROUTES`` and ``ACTIONS``, and the worker holds a viewer's messages to ``MESSAGES``. What is
not in the list is refused. The tests of who may do what are made from it.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.agent.interface import Action
from libvirt_webrtc.input import stream_messages
from libvirt_webrtc.input.messages import (
    ButtonEvent,
    InputMessage,
    KeyEvent,
    MoveBy,
    MoveTo,
    Ping,
    ReleaseAll,
    Resize,
    WantStats,
    Watch,
    Wheel,
)


class Need(Enum):
    """What a route needs that is about no domain."""

    PUBLIC = auto()
    """Nothing."""
    PAGE = auto()
    """A session's cookie: browsers send nothing else when they open a page. The same for everybody, so there is
    nothing secret in it."""
    SIGNED_IN = auto()
    """A session, by cookie and key, or a Bearer token."""
    ANY_DOMAIN = auto()
    """A session whose user has a role for at least one domain."""
    ACTION = auto()
    """What ``ACTIONS`` says of the action that is asked for."""


ROUTES: Mapping[tuple[str, str], Need | Role] = MappingProxyType(
    {
        ("GET", "/healthz"): Need.PUBLIC,
        ("GET", "/login"): Need.PUBLIC,
        ("GET", "/share"): Need.PUBLIC,
        ("POST", "/api/share"): Need.PUBLIC,
        ("GET", "/static/{path}"): Need.PUBLIC,
        ("GET", "/api/sign-in"): Need.PUBLIC,
        ("POST", "/api/session"): Need.PUBLIC,
        ("GET", "/login/oidc"): Need.PUBLIC,
        ("GET", "/login/oidc/callback"): Need.PUBLIC,
        ("POST", "/api/session/oidc"): Need.PUBLIC,
        ("GET", "/login/proxy/begin"): Need.PUBLIC,
        ("POST", "/api/session/proxy"): Need.PUBLIC,
        ("DELETE", "/api/session"): Need.SIGNED_IN,
        ("GET", "/"): Need.PAGE,
        ("GET", "/console/{uuid}"): Need.PAGE,
        ("GET", "/webrtc-config"): Need.ANY_DOMAIN,
        ("GET", "/api/domains"): Need.SIGNED_IN,
        ("GET", "/api/events"): Need.SIGNED_IN,
        ("POST", "/api/domains/{uuid}/actions/{action}"): Need.ACTION,
        ("GET", "/api/domains/{uuid}/links"): Role.VIEW,
        ("POST", "/api/domains/{uuid}/links"): Role.VIEW,
        ("DELETE", "/api/domains/{uuid}/links/{link}"): Role.VIEW,
        ("GET", "/api/domains/{uuid}/consoles/{console}/stats"): Role.VIEW,
        ("POST", "/api/domains/{uuid}/consoles/{console}/whep"): Role.VIEW,
        ("GET", "/api/domains/{uuid}/consoles/{console}/stream"): Role.VIEW,
        ("DELETE", "/api/domains/{uuid}/consoles/{console}/whep/{viewer}"): Need.SIGNED_IN,
    }
)
"""By method and the matched route, so that no other spelling of a path opens it. HEAD needs what GET does. A role is
needed for the domain of the path; the list of domains has those for which the user has any."""

FOR_LINKS = frozenset(
    {
        ("GET", "/console/{uuid}"),
        ("GET", "/webrtc-config"),
        ("GET", "/api/events"),
        *(asked for asked in ROUTES if asked[1].startswith("/api/domains/{uuid}/consoles/")),
    }
)
"""What whoever came by a share link may ask for, besides what is public; and that for the link's domain only."""

ACTIONS: Mapping[Action, Role] = MappingProxyType({Action.ATTACH: Role.OPERATE})

MESSAGES: Mapping[type[InputMessage | stream_messages.StreamMessage], Role] = MappingProxyType(
    {
        KeyEvent: Role.CONTROL,
        MoveTo: Role.CONTROL,
        MoveBy: Role.CONTROL,
        ButtonEvent: Role.CONTROL,
        Wheel: Role.CONTROL,
        ReleaseAll: Role.CONTROL,
        Resize: Role.CONTROL,
        Ping: Role.VIEW,
        WantStats: Role.VIEW,
        Watch: Role.VIEW,
        stream_messages.Hello: Role.VIEW,
        stream_messages.Received: Role.VIEW,
        stream_messages.WantKeyframe: Role.VIEW,
    }
)
"""What a viewer may send; from one whose grant has less, a message is counted and dropped."""
