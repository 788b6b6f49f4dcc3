"""What is printed when the portal serves: where to go, and what to expect there."""

import logging
import socket
import sys

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.logs import drop_unwritten
from libvirt_webrtc.portal.tls.portal_certificate import PortalCertificate

log = logging.getLogger(__name__)


def announce(config: Config, token: str, certificate: PortalCertificate | None) -> None:
    """Print the portal's address, the token where no file keeps it, and what browsers show of the certificate."""
    base = portal_url(config)
    by_token = "token" in config.sign_in.methods
    if not by_token:
        lines = [f"Portal: {base}/"]
    elif config.token_file is not None:
        lines = [f"Portal: {base}/", f"Token:  in {config.token_file}"]
    else:
        lines = [f"Portal: {base}/", f"Token:  {token}", f"Or open {base}/login#token={token}"]
    if certificate is not None:
        lines.append(f"Certificate: SHA-256 {certificate.present.fingerprint}")
    if certificate is not None and certificate.made:
        lines.append("It was made here, so browsers warn of it: compare the fingerprint that they show.")
    try:
        print("\n".join(lines), flush=True)
    except OSError as error:
        drop_unwritten(sys.stdout)
        kept = config.token_file is not None or not by_token
        lost = "" if kept else "; nobody can know the token: start with --token-file"
        log.warning("the portal is at %s/, which could not be printed: %s%s", base, error, lost)


def portal_url(config: Config) -> str:
    """Where browsers find the portal, without a slash at the end."""
    if config.portal.public_url is not None:
        return str(config.portal.public_url).removesuffix("/")
    listen = config.listen
    if listen.is_everywhere:
        listen = ListenAddress(socket.gethostname(), listen.port)
    return f"{'https' if config.needs_tls else 'http'}://{listen.authority}"
