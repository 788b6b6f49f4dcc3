"""The media tests use aiortc as a worker does."""

import pytest

from libvirt_webrtc.media import aiortc_ext


@pytest.fixture(autouse=True, scope="session")
def patched_aiortc() -> None:
    aiortc_ext.install()
