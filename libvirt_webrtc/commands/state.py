"""Where commands change what the service keeps."""

from pathlib import Path

from libvirt_webrtc.config.load import state_dir
from libvirt_webrtc.config.state_files import become_owner


def own_state_dir() -> Path:
    """The state folder, absolute. Where its owner is not root, this process goes on as that user, for good.

    Raises:
        OSError: as :func:`become_owner`.
    """
    folder = state_dir().absolute()
    become_owner(folder)
    return folder
