"""What the tests of viewers and consoles share."""

from collections.abc import AsyncIterator, Iterator

import pytest

from libvirt_webrtc.media.aiortc_ext import ice, patches
from tests.worker.place import Place
from tests.worker.viewer_client import ViewerClient


@pytest.fixture
def patched_aiortc() -> Iterator[None]:
    patches.install()
    yield
    ice.set_host_addresses(None)


@pytest.fixture
async def place(patched_aiortc: None) -> AsyncIterator[Place]:
    made = Place()
    yield made
    await made.close()


@pytest.fixture
async def viewer(patched_aiortc: None) -> AsyncIterator[ViewerClient]:
    async with ViewerClient() as made:
        yield made
