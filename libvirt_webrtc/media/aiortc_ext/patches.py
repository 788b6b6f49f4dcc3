"""All patches to aiortc and aioice, put in once for the whole process.

Each patch is one small function in the other modules here, which says what is missing without it.
"""

import functools

from libvirt_webrtc.media.aiortc_ext import (
    channels,
    gathering,
    ice,
    internals,
    negotiation,
    remote_candidates,
    sender,
    sockets,
)


@functools.cache
def install() -> None:
    """Patch aiortc and aioice; further calls do nothing.

    Raises:
        MediaError: something that a patch needs is gone or has changed; see :func:`internals.check`.
    """
    internals.check()
    sender.negotiate_playout_delay()
    sender.send_console_frames()
    sender.hear_feedback()
    sender.date_sender_reports()
    ice.drop_foreign_datagrams()
    ice.name_host_addresses()
    ice.time_checks()
    gathering.gather_from_all_servers()
    gathering.give_relays_back_in_time()
    sockets.relay_by_our_ports()
    remote_candidates.limit_checks()
    negotiation.accept_all_payload_types()
    negotiation.register_formats()
    negotiation.tell_profiles_apart()
    channels.report_unreadable_messages()
    channels.bound_messages()
