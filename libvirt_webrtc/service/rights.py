"""What the workers of this configuration need of the machine, and so are allowed."""

import glob
from collections.abc import Iterable

from libvirt_webrtc.config.ice import IceConfig
from libvirt_webrtc.worker.sandbox.rights import Rights

_RENDER_NODES = "/dev/dri/renderD*"
_NVIDIA = ("/dev/nvidia*", "/dev/dxg")
"""Its driver opens the control files too; WSL has one file for all."""
_ENCODERS = {
    "h264_nvenc": _NVIDIA,
    "h264_qsv": (_RENDER_NODES,),
    "h264_amf": (_RENDER_NODES,),
    "h264_v4l2m2m": ("/dev/video*",),
}


def worker_rights(ice: IceConfig, *, graphics: bool, gl_device: str, encoders: Iterable[str]) -> Rights:
    """The rights of one domain's worker.

    Args:
        graphics: whether its pictures may come by OpenGL.
        gl_device: the setting of that name.
        encoders: FFmpeg's names of the hardware encoders that may be used.
    """
    targets = [target for target in ice.targets if not target.is_for_browsers_only]
    patterns = [*(_reading(gl_device) if graphics else ())]
    for name in encoders:
        patterns += _ENCODERS[name]
    return Rights(
        graphics=graphics,
        devices=tuple(sorted({path for pattern in patterns for path in glob.glob(pattern)})),
        tcp_ports=tuple(sorted({target.port for target in targets if target.transport == "tcp"})),
        resolves_names=any(target.is_named or target.scheme == "turns" for target in targets),
    )


def _reading(gl_device: str) -> tuple[str, ...]:
    """Patterns of the files with which OpenGL pictures are read."""
    match gl_device:
        case "auto":
            return (_RENDER_NODES, *_NVIDIA)
        case "software":
            return ()
        case node:
            return (glob.escape(node), *_NVIDIA)
