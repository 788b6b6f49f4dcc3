"""Any WHEP player can watch: an aiortc client, with nothing of web/ in it."""

import aiohttp
import pytest

from tests.e2e.whep import play_to_the_end
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = pytest.mark.libvirt


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_whep_player_receives_the_picture_with_its_nonce(
    make_guest: GuestFactory, portal: Portal, codec: str
) -> None:
    await play_to_the_end(portal, make_guest(), codec)


async def test_whep_needs_a_token(make_guest: GuestFactory, portal: Portal) -> None:
    guest = make_guest()
    async with aiohttp.ClientSession(portal.own) as http:
        async with http.post(
            f"/api/domains/{guest.uuid}/consoles/0/whep",
            data="v=0\r\n",
            headers={"Content-Type": "application/sdp"},
        ) as response:
            assert response.status == 401
