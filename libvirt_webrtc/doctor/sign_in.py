"""Checks of the ways of signing in: PAM's helper, the OpenID provider, and the proxy's header."""

import time

from libvirt_webrtc.config.oidc import OidcConfig
from libvirt_webrtc.config.proxy_sign_in import ProxySignInConfig
from libvirt_webrtc.config.sign_in import PamConfig, SignInConfig
from libvirt_webrtc.doctor.findings import Finding, ok, problem, warning
from libvirt_webrtc.errors import ConfigError, PamUnavailable, ProviderUnavailable
from libvirt_webrtc.pam.client import ask_helper
from libvirt_webrtc.pam.helper import RULES
from libvirt_webrtc.pam.protocol import SERVICE
from libvirt_webrtc.portal.oidc.http import ProviderAnswer, ProviderHttp
from libvirt_webrtc.portal.oidc.id_token import ALGORITHMS, LEEWAY_S, parse_keys
from libvirt_webrtc.portal.oidc.metadata import discovery_url, parse_metadata

NOTICED_S = LEEWAY_S / 2
"""From this difference between the clocks on there is a warning; beyond ``LEEWAY_S`` nobody can sign in."""


async def check_sign_in(config: SignInConfig) -> list[Finding]:
    """Return the findings on the ways of signing in that are on. Takes three answers at most, the provider's and the
    PAM helper's."""
    findings: list[Finding] = []
    if "pam" in config.methods:
        findings += await _check_pam(config.pam)
    if config.oidc is not None and "oidc" in config.methods:
        findings += await _check_oidc(config.oidc)
    if config.proxy is not None and "proxy" in config.methods:
        findings.append(_check_proxy(config.proxy))
    return findings


async def _check_pam(config: PamConfig) -> list[Finding]:
    subject, found = "pam", []
    if not any(path.exists() for path in RULES):
        remedy = f"copy examples/pam.d/{SERVICE} there"
        found.append(problem(subject, f"{RULES[0]} is missing, so that the helper does not start", remedy))
    try:
        await ask_helper(config.socket, "", "")  # which it refuses without asking PAM
    except PamUnavailable as error:
        if isinstance(error.__cause__, PermissionError):
            text = f"whether the helper at {config.socket} answers is not known"
            return [*found, warning(subject, text, "run doctor as root, or as the service's user")]
        remedy = "systemctl enable --now libvirt-webrtc-pam.socket, and look at the log of libvirt-webrtc-pam"
        return [*found, problem(subject, str(error), remedy)]
    return [*found, ok(subject, f"the helper at {config.socket} answers")]


async def _check_oidc(config: OidcConfig) -> list[Finding]:
    findings = []
    try:
        config.client_secret()
    except ConfigError as error:
        findings.append(problem("oidc", str(error), "correct [sign_in.oidc] client_secret_file, or the file"))
    try:
        async with ProviderHttp() as http:
            answer = await http.ask("GET", discovery_url(config.issuer))
            if answer.status != 200:
                raise ProviderUnavailable(
                    f"{discovery_url(config.issuer)} answers with status {answer.status}"
                )
            metadata = parse_metadata(answer.content, config.issuer)
            keys = parse_keys(await http.get(metadata.jwks_uri))
    except ProviderUnavailable as error:
        remedy = "is [sign_in.oidc] issuer right, the provider up, and does this host reach it by HTTPS?"
        return [*findings, problem("oidc", str(error), remedy)]
    findings.append(ok("oidc", f"{config.issuer} answers, and has {len(keys.keys)} keys"))
    findings += _check_signatures(answer)
    return findings + _check_clock(answer)


def _check_signatures(answer: ProviderAnswer) -> list[Finding]:
    offered = answer.content.get("id_token_signing_alg_values_supported")
    if not isinstance(offered, list) or set(ALGORITHMS) & {
        value for value in offered if isinstance(value, str)
    }:
        return []
    remedy = "have the provider sign this client's ID tokens with RS256 or ES256"
    return [problem("oidc", "the provider signs ID tokens in no way that is taken here", remedy)]


def _check_clock(answer: ProviderAnswer) -> list[Finding]:
    if answer.date_s is None:
        return []
    behind_s = answer.date_s - time.time()
    if abs(behind_s) < NOTICED_S:
        return []
    text = f"this host's clock and the provider's differ by {abs(behind_s):.0f} s"
    remedy = "have both follow a time server, as by timedatectl set-ntp true"
    return [(problem if abs(behind_s) > LEEWAY_S else warning)("oidc", text, remedy)]


def _check_proxy(config: ProxySignInConfig) -> Finding:
    named = ", ".join(map(str, config.sources))
    if config.trusts_this_machine:
        return warning(
            "proxy sign-in",
            f"{named}: every program on this host can sign in as anybody",
            "run the proxy on another host, or have no local users; the portal cannot tell them from the proxy",
        )
    return ok("proxy sign-in", f"{config.user_header} is believed from {named}")
