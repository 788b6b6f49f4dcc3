"""``libvirt-webrtc serve``: inventory, reconciler, supervisor and portal in one process."""

import asyncio
import logging
from functools import partial

from libvirt_webrtc.concurrency.tasks import LongLivedTask
from libvirt_webrtc.config.load import Config, ReadConfig, state_dir
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.domains.reconciler import Reconciler
from libvirt_webrtc.domains.uri import check_local, full_uri
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.hook.policy_file import FILE_NAME, write_policy
from libvirt_webrtc.portal.auth.token import load_token
from libvirt_webrtc.portal.server import run_portal
from libvirt_webrtc.probes.render import look_for_renderer
from libvirt_webrtc.service.supervisor import Supervisor

log = logging.getLogger(__name__)


async def serve(read_config: ReadConfig) -> None:
    """Serve until SIGINT or SIGTERM. The settings are read now, and by the portal again on SIGHUP.

    Raises:
        ConfigError: a setting cannot be used, the domains are not this machine's, the address is taken, or the token
            file cannot be used.
    """
    config = read_config()
    check_local(full_uri(config.uri))
    token = load_token(config.token_file)
    _tell_hook(config)
    async with (
        Inventory(config.uri, Policy.of(config.auto_enable, config.gl)) as inventory,
        Supervisor(inventory, config) as supervisor,
    ):
        reconciling = LongLivedTask(partial(_reconcile, inventory, config), name="reconciling")
        try:
            await run_portal(supervisor, config, token, read_config)
        finally:
            await reconciling.close()


async def _reconcile(inventory: Inventory, config: Config) -> None:
    """Change definitions by the policy, once it is known whether QEMU can draw with this host's GPUs.

    The portal does not wait for that: a driver that hangs takes 20 s to be given up.
    """
    inventory.set_policy(Policy.of(config.auto_enable, config.gl, await look_for_renderer(config.gl)))
    async with Reconciler(inventory):
        await asyncio.Event().wait()


def _tell_hook(config: Config) -> None:
    """Write the policy down for libvirt's hook. Without it the hook adds nothing, and all else goes on."""
    try:
        write_policy(state_dir() / FILE_NAME, Policy.of(config.auto_enable, config.gl))
    except ConfigError as error:
        log.warning("%s", error)
