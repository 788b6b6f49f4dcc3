"""``libvirt-webrtc serve``: inventory, reconciler, supervisor and portal in one process."""

import asyncio
import logging

from libvirt_webrtc.config.load import Config, state_dir
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.domains.reconciler import Reconciler
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.hook.policy_file import FILE_NAME, write_policy
from libvirt_webrtc.portal.auth.token import load_token
from libvirt_webrtc.portal.server import run_portal
from libvirt_webrtc.probes.render import can_render
from libvirt_webrtc.service.supervisor import Supervisor

log = logging.getLogger(__name__)


async def serve(config: Config) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        ConfigError: the address is taken, or the token file cannot be used.
    """
    token = load_token(config.token_file)
    _tell_hook(config)
    policy = Policy.of(config.auto_enable, config.gl, await asyncio.to_thread(can_render))
    async with (
        Inventory(config.uri, policy) as inventory,
        Reconciler(inventory),
        Supervisor(inventory, config) as supervisor,
    ):
        await run_portal(supervisor, config, token)


def _tell_hook(config: Config) -> None:
    """Write the policy down for libvirt's hook. Without it the hook adds nothing, and all else goes on."""
    try:
        write_policy(state_dir() / FILE_NAME, Policy.of(config.auto_enable, config.gl))
    except ConfigError as error:
        log.warning("%s", error)
