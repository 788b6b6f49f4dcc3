"""A domain's tags, which roles may be given by, follow its definition also while it runs."""

import pytest

from libvirt_webrtc.domains.definition.settings import SETTINGS_NAMESPACE
from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.service.domain_status import describe
from tests.domains.following import until_domain
from tests.support.domains import DBUS, VIDEO, MakeDomain
from tests.support.libvirtd import virsh


@pytest.mark.libvirt
async def test_tags_follow_what_virsh_writes(libvirt_uri: str, make_domain: MakeDomain) -> None:
    uuid = make_domain("d", DBUS + VIDEO)
    virsh("start", uuid)
    command = ("metadata", uuid, "--config", "--uri", SETTINGS_NAMESPACE, "--key", "lvws", "--set")
    async with Inventory(libvirt_uri) as inventory:
        assert (await until_domain(inventory, uuid)).tags == ()
        virsh(*command, "<console tags='web, team'/>")
        domain = await until_domain(inventory, uuid, lambda d: d.tags == ("web", "team"))
        assert describe(domain).tags == ("web", "team")
        # What cannot be understood grants nothing.
        virsh(*command, "<console tags='web' other='x'/>")
        await until_domain(inventory, uuid, lambda d: d.tags == ())
