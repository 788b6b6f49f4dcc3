"""What comes through a reverse proxy, as the portal sees it."""

from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.networks import networks_from
from libvirt_webrtc.config.portal import PortalConfig, PublicUrl
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
from tests.portal.fakes import TOKEN, Viewer

PUBLIC = "https://vm.example.org/console/"
PROXY = {
    "Host": "vm.example.org",
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Proto": "https",
}
"""What a proxy sends that is set up well."""
BROWSER = {"Accept": "text/html,*/*", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}


def behind_proxy(url: str = PUBLIC, *proxies: str) -> Config:
    trusted = networks_from(list(proxies or ("127.0.0.1",)), "here")
    return Config(portal=PortalConfig(PublicUrl.parse(url, "here"), trusted))


async def sign_in(viewer: Viewer, path: str = "/api/session", origin: str = "https://vm.example.org") -> str:
    """Sign in through the proxy; the Set-Cookie header."""
    async with viewer.request("POST", path, {"Origin": origin}, json={"token": TOKEN}) as response:
        assert response.status == 200, await response.text()
        cookie = response.headers["Set-Cookie"]
        key = (await response.json())["key"]
    viewer.headers |= {"Cookie": cookie.partition(";")[0], KEY_HEADER: key, "Origin": origin}
    return cookie
