"""``doctor --connect``: opens a console as a viewer does, and tells which way its picture took, and why no other."""

from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from libvirt_webrtc.config.access import is_loopback
from libvirt_webrtc.config.ice import IceConfig
from libvirt_webrtc.config.ice_url import Target
from libvirt_webrtc.doctor.findings import Finding, ok, problem, warning
from libvirt_webrtc.doctor.firewall import firewall_advice
from libvirt_webrtc.doctor.portal_client import PortalClient, PortalRefused
from libvirt_webrtc.doctor.trial_stream import Streaming, stream_once
from libvirt_webrtc.doctor.trial_viewer import Viewing, watch_once
from libvirt_webrtc.media.aiortc_ext import ice as own_addresses
from libvirt_webrtc.media.aiortc_ext import patches
from libvirt_webrtc.media.aiortc_ext.ways import Way, WayOutcome

SUBJECT = "connect"


async def check_connection(
    portal: PortalClient, ice: IceConfig, wanted: str | None
) -> AsyncIterator[Finding]:
    """Yield what comes of a viewer on this machine: by WebRTC, by a WebSocket, then by each TURN server alone.

    Takes PICTURE_S for each at most, and some seconds for the portal's answers.

    Args:
        portal: a running one, on this machine or another.
        ice: of this machine's settings, for advice.
        wanted: a domain's name or UUID; None: the first whose console can be opened.
    """
    patches.install()
    host = urlsplit(portal.url).hostname or ""
    if is_loopback(host):
        own_addresses.offer_loopback()
    async with portal:
        try:
            domain = _choose(await portal.domains(), wanted)
            config = await portal.webrtc_config()
            if config["problem"]:
                yield problem(SUBJECT, str(config["problem"]), "correct it where the portal runs")
                return
            servers = config["iceServers"]
            relay_only = config["iceTransportPolicy"] == "relay"
            trial = await watch_once(portal, domain["uuid"], servers, relay_only=relay_only)
            stream = await stream_once(portal, domain["uuid"])
            what = f"the console of {domain['name']}"
            yield _result(
                f"{what} by WebRTC",
                trial,
                ice,
                relay_only=relay_only,
                fault=problem if stream.size is None else warning,
            )
            yield _streamed(f"{what} by a WebSocket", stream, is_needed=trial.size is None)
            if trial.size is not None and not relay_only and _is_relayed(trial.ways[0]):
                yield _direct(await watch_once(portal, domain["uuid"], direct_only=True), ice)
            for target in _relays(servers):
                yield await _by_relay(portal, domain["uuid"], target)
        except PortalRefused as error:
            yield problem(SUBJECT, str(error), "is the portal running, and is it the right token and domain?")
            return
    if is_loopback(host):
        yield ok(
            SUBJECT,
            "nothing but this machine was in between. From a viewer's: "
            f"libvirt-webrtc doctor --connect --url URL --token-file FILE {domain['name']}",
        )


def _choose(domains: list[dict[str, Any]], wanted: str | None) -> dict[str, Any]:
    """Raises PortalRefused where there is no such domain, or its console cannot be opened."""
    found = [one for one in domains if wanted in (None, one["name"], one["uuid"])]
    ready = [one for one in found if one["console"]["state"] == "ready"]
    if ready:
        return ready[0]
    if wanted is None or not found:
        raise PortalRefused(f"it shows no domain {wanted}" if wanted else "no console can be opened now")
    raise PortalRefused(f"the console of {wanted} cannot be opened: {found[0]['console']['reason']}")


def _relays(servers: list[dict[str, Any]]) -> list[tuple[Target, dict[str, Any]]]:
    """Each TURN URL that this host can use, with the server that it alone would be."""
    targets = [(Target.parse(url), server) for server in servers for url in server["urls"]]
    return [
        (target, {**server, "urls": [str(target)]})
        for target, server in targets
        if target.is_turn and not target.is_for_browsers_only
    ]


async def _by_relay(portal: PortalClient, uuid: str, relay: tuple[Target, dict[str, Any]]) -> Finding:
    """What comes of a viewer that reaches nothing but one TURN server. Raises PortalRefused."""
    target, server = relay
    trial = await watch_once(portal, uuid, [server], relay_only=True)
    if trial.size is not None:
        return ok(
            SUBJECT, f"by {target} alone: a picture after {trial.took_s:.1f} s, {_words(trial.ways[0])}"
        )
    if not trial.has_relay:
        return problem(
            SUBJECT,
            f"{target} gives this machine no relay",
            "the line of this server above says why, where this machine has it in its settings",
        )
    return problem(
        SUBJECT,
        f"by {target} alone: no picture in {trial.took_s:.0f} s; {_tried(trial)}",
        f"let the server send UDP to the console's machine, and it to the server: port {target.port} and the "
        "server's relay ports (coturn: 49152-65535)",
    )


def _result(
    what: str, trial: Viewing, ice: IceConfig, *, relay_only: bool, fault: Callable[[str, str, str], Finding]
) -> Finding:
    """
    Args:
        fault: makes the finding where no picture came.
    """
    if trial.size is None:
        if relay_only and not trial.has_relay:
            text = f"{what}: only relays are allowed, and no TURN server gave one"
            return fault(SUBJECT, text, "see its line above")
        taken = next((way for way in trial.ways if way.outcome is WayOutcome.TAKEN), None)
        if taken is not None:
            text = f"{what}: connected ({_words(taken)}), but no picture in {trial.took_s:.0f} s"
            return fault(SUBJECT, text, "look into the service's log")
        text = f"{what}: no way in {trial.took_s:.0f} s; {_tried(trial)}"
        return fault(SUBJECT, text, firewall_advice(ice.ports))
    taken, *others = trial.ways
    size = "{} x {}".format(*trial.size)
    text = f"{what}: a picture of {size} after {trial.took_s:.1f} s, {_words(taken)}"
    if rest := _others([way for way in others if (way.peer, way.own_kind) != (taken.peer, taken.own_kind)]):
        text += f"; not taken: {rest}"
    return ok(SUBJECT, text)


def _streamed(what: str, stream: Streaming, *, is_needed: bool) -> Finding:
    if stream.size is None:
        return problem(
            SUBJECT,
            f"{what}, over the portal's own port: {stream.why_not}",
            "have a reverse proxy in between pass Upgrade on, as docs/reverse-proxy.md says; where there is none, "
            "look into the service's log",
        )
    size = "{} x {}".format(*stream.size)
    use = "which pages take now" if is_needed else "which pages take where WebRTC gives no picture"
    return ok(
        SUBJECT, f"{what}, over the portal's own port, {use}: a picture of {size} after {stream.took_s:.1f} s"
    )


def _direct(trial: Viewing, ice: IceConfig) -> Finding:
    """What comes of a viewer without relays, where one with relays took one."""
    if trial.size is not None:
        return ok(SUBJECT, f"without a relay: a picture after {trial.took_s:.1f} s, {_words(trial.ways[0])}")
    return warning(
        SUBJECT,
        f"without a relay: no way in {trial.took_s:.0f} s; {_tried(trial)}",
        f"a relay costs time; {firewall_advice(ice.ports)}",
    )


def _is_relayed(way: Way) -> bool:
    return "relay" in (way.own_kind, way.peer_kind)


def _words(way: Way) -> str:
    kind = "by a relay" if _is_relayed(way) else "direct"
    if way.own_kind == way.peer_kind == "relay":
        kind = "by a relay of each side"
    return f"{kind}, UDP over {way.family}, from {way.own} to {way.peer}"


def _others(ways: list[Way]) -> str:
    """To which addresses there were ways, and what came of the best to each."""
    best: dict[str, WayOutcome] = {}
    for way in sorted(ways, key=lambda way: list(WayOutcome).index(way.outcome)):
        if not _is_own_loopback(way):
            best.setdefault(f"{way.peer}{' by the relay' if way.own_kind == 'relay' else ''}", way.outcome)
    return ", ".join(f"{peer} ({outcome})" for peer, outcome in best.items())


def _tried(trial: Viewing) -> str:
    tried = _others(list(trial.ways))
    return f"tried: {tried}" if tried else "the two sides named no addresses that fit each other"


def _is_own_loopback(way: Way) -> bool:
    """A portal on loopback offers its loopback, which means nothing elsewhere and is no other way here."""
    return (
        ip_address(way.peer.rpartition(":")[0].strip("[]")).is_loopback
        and way.outcome is not WayOutcome.TAKEN
    )
