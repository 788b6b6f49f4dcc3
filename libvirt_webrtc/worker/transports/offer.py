"""What an offer may hold at most; checked before aiortc reads it."""

from libvirt_webrtc.errors import NegotiationError

MAX_CONSOLES = 4
"""Video sections of one offer, and so consoles that one viewer sees."""

MAX_MEDIA_SECTIONS = MAX_CONSOLES + 2
"""All sections: those of video, data channels, and one of another kind, which is declined."""

MAX_CANDIDATES = 64
"""More than any browser offers; of these only some are checked (media/aiortc_ext/remote_candidates.py)."""


_KNOWN = {
    "ICE username fragment or password is missing": "a section of it lacks a=ice-ufrag or a=ice-pwd",
    "RTCP mux is not enabled": "a section of it lacks a=rtcp-mux",
}
"""Errors of aiortc by their text."""


def check_offer(sdp: str) -> None:
    """Refuse what is no offer, or one that would cost more than a viewer may.

    Raises:
        NegotiationError: says what is wrong.
    """
    if not sdp.startswith("v=0"):
        raise NegotiationError("the offer is not SDP: it must begin with v=0")
    # Cut as aiortc cuts it: also at line ends that SDP does not know.
    lines = sdp.splitlines()
    if sum(line.startswith("m=") for line in lines) > MAX_MEDIA_SECTIONS:
        raise NegotiationError(f"the offer has more than {MAX_MEDIA_SECTIONS} media sections")
    if sum(line.startswith("a=candidate:") for line in lines) > MAX_CANDIDATES:
        raise NegotiationError(f"the offer has more than {MAX_CANDIDATES} candidates")


def why_refused(error: Exception) -> str:
    """What aiortc's error on an offer means, for people."""
    return _KNOWN.get(str(error), "it is incomplete, or an ICE server of ours has a URL that cannot be used")
