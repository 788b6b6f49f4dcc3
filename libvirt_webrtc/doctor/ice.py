"""Checks of STUN and TURN servers: whether each answers and takes our credentials."""

import asyncio
import socket
import ssl

from aioice import stun, turn

from libvirt_webrtc.config.ice import IceConfig, IceServer
from libvirt_webrtc.config.ice_url import Target
from libvirt_webrtc.doctor.findings import Finding, ok, problem, warning

DEADLINE_S = 5.0
"""How long each server has for its answer, name resolution and TLS included."""
RETRY_S = 0.5
"""The pause between two STUN requests, of which each datagram may be lost."""
_CREDENTIALS = (
    "correct username and credential; with ice.secret: is it the server's static-auth-secret, and do both clocks "
    "agree?"
)


async def check_ice(ice: IceConfig, deadline_s: float = DEADLINE_S) -> list[Finding]:
    """Return one finding for each server URL. All are asked at the same time; takes ``deadline_s`` at most."""
    if ice.problem is not None:
        return [problem("ice", ice.problem, "correct it in the configuration file or the environment")]
    if not ice.servers:
        return [ok("ice", "no servers: browsers reach this machine directly by UDP, or not at all")]
    return await asyncio.gather(
        *(_check(server, target, deadline_s) for server in ice.servers_for_one() for target in server.targets)
    )


async def _check(server: IceServer, target: Target, deadline_s: float) -> Finding:
    url = str(target)
    if target.is_for_browsers_only:
        return warning(
            "ice",
            f"{url} is not tried: browsers may use it, this host cannot",
            "name the same server also as stun:HOST, turn:HOST or turns:HOST?transport=tcp",
        )
    remedy = f"is it up, and does the firewall let {target.transport} port {target.port} through?"
    try:
        async with asyncio.timeout(deadline_s):
            if target.scheme == "stun":
                address = await _bind(target)
                return ok("ice", f"{url} answers, and sees this machine as {address}")
            address = await _allocate(target, server)
            return ok("ice", f"{url} relays, at {address}")
    except stun.TransactionFailed as error:
        code = error.response.error_code
        if code in (401, 438, 441):
            return problem("ice", f"{url} refuses the credentials", _CREDENTIALS)
        return problem("ice", f"{url} answers with error {code}", "look into the server's log")
    except (TimeoutError, stun.TransactionTimeout):
        return problem("ice", f"{url} does not answer in {deadline_s:g} s", remedy)
    except (OSError, ValueError) as error:
        return problem("ice", f"{url}: {error}", remedy)


async def _bind(target: Target) -> str:
    """Ask a STUN server (RFC 8489) for this host's address as it sees it, again and again until it answers."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, address = found[0]
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    with socket.socket(family, kind, protocol) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, address)
        while True:
            await loop.sock_sendall(sock, bytes(request))
            try:
                async with asyncio.timeout(RETRY_S):
                    response = stun.parse_message(await loop.sock_recv(sock, 2048))
            except TimeoutError:
                continue
            if response.transaction_id == request.transaction_id:
                break
    if response.message_class is not stun.Class.RESPONSE:
        raise stun.TransactionFailed(response)
    mapped = response.attributes.get("XOR-MAPPED-ADDRESS") or response.attributes.get("MAPPED-ADDRESS")
    if mapped is None:
        raise ValueError("it answers without an address")
    return _authority(mapped)


async def _allocate(target: Target, server: IceServer) -> str:
    """Have a TURN server (RFC 8656) allocate an address for us, give that back, and return it."""
    transport, lifetime = await turn.create_turn_endpoint(
        _Lifetime,
        (target.host, target.port),
        server.username,
        server.credential,
        ssl=ssl.create_default_context() if target.scheme == "turns" else None,
        transport=target.transport,
    )
    address = _authority(transport.get_extra_info("sockname"))
    transport.close()
    await lifetime.ended.wait()
    return address


class _Lifetime(asyncio.DatagramProtocol):
    """Tells when the allocation has been given back."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


def _authority(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
