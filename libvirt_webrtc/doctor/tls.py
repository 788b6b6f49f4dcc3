"""Checks of how others reach the portal: over HTTPS with which certificate, or in the clear."""

from libvirt_webrtc.config.load import Config
from libvirt_webrtc.doctor.findings import Finding, ok, problem, warning
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.tls.certificate import context_of, read_certificate, utc_now
from libvirt_webrtc.portal.tls.portal_certificate import WARN_BEFORE, certificate_files


def check_tls(config: Config) -> Finding:
    """Tell what protects what goes between browsers and the portal."""
    subject, port = "tls", config.listen.port
    if not config.needs_tls and config.listen.is_loopback:
        return ok(
            subject,
            "not needed on loopback. From another machine: "
            f"ssh -L {port}:127.0.0.1:{port} HOST, or listen on another address, which is HTTPS",
        )
    if not config.needs_tls:
        return warning(
            subject,
            f"INSECURE: plain HTTP at {config.listen.authority}; everybody on the way reads logins, keystrokes and "
            "screens, and can change them",
            "remove insecure from the settings: a certificate is made by itself",
        )
    own = config.tls.certificate is not None
    files = certificate_files(config)
    if not own and not files[0].exists():
        return ok(subject, f"a certificate is made at the first start: {files[0]}")
    try:
        certificate = read_certificate(*files)
        context_of(certificate)
    except ConfigError as error:
        return problem(
            subject, str(error), "the service does not start with it, and keeps the one from before"
        )
    now = utc_now()
    if (trouble := certificate.trouble(now)) is not None:
        return problem(subject, trouble, "get a new one" if own else "systemctl restart libvirt-webrtc")
    text = (
        f"{'your own' if own else 'a made'} certificate, until {certificate.ends:%Y-%m-%d}, SHA-256 "
        f"{certificate.fingerprint}, for {', '.join(sorted(certificate.names))}"
    )
    if own and now >= certificate.ends - WARN_BEFORE:
        return warning(subject, text, "renew it: it is read again by itself as soon as the file is another")
    return ok(subject, text)
