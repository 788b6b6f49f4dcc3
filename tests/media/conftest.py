"""The media tests use aiortc as a worker does, mostly on one small console."""

from collections.abc import AsyncIterator

import pytest

from libvirt_webrtc.media.aiortc_ext import patches
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.media.helpers import picture, show


@pytest.fixture(autouse=True, scope="session")
def patched_aiortc() -> None:
    patches.install()


@pytest.fixture
def framebuffer() -> Framebuffer:
    framebuffer = Framebuffer()
    show(framebuffer, picture(320, 240))
    return framebuffer


@pytest.fixture
async def video(framebuffer: Framebuffer) -> AsyncIterator[ConsoleVideo]:
    video = ConsoleVideo(framebuffer)
    yield video
    await video.close()
