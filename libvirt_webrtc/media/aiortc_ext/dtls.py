"""What DTLS loads at its first use."""

from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import SRTP_PROFILES


def warm_up() -> None:
    """Make a certificate and a TLS context and drop them: OpenSSL and its bindings have then loaded what they need.

    A process that is locked in afterwards may not be able to load it any more. Takes a few milliseconds.
    """
    RTCCertificate.generateCertificate()._create_ssl_context(SRTP_PROFILES)
