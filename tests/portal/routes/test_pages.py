from libvirt_webrtc import __version__
from tests.portal.fakes import Viewer


async def test_health_tells_the_version(viewer: Viewer) -> None:
    async with viewer.get("/healthz") as response:
        assert response.status == 200
        assert await response.json() == {"status": "ok", "version": __version__}
