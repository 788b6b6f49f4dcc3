"""The certificate that the portal serves with, followed while it serves: renewed, and read again where it changed."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.config.load import Config, state_dir
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.tls.certificate import ServerCertificate, context_of, read_certificate, utc_now
from libvirt_webrtc.portal.tls.made_certificate import CERTIFICATE_FILE, KEY_FILE, keep_made

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""Pause between two looks whether the files are others: certbot replaces links, some programs the files' content."""

AGE_S = 6 * 3600.0
"""Pause between two looks how long the certificate still lasts."""

WARN_BEFORE = timedelta(days=14)
"""The log warns of the end of the operator's certificate from here on; who renews them does so at 30 days or less."""


class PortalCertificate:
    """What new connections begin TLS with. Those that there are keep what they began with.

    Attributes:
        context: for the next connection.
        present: the certificate that is in it.
        made: whether it is made here.
    """

    def __init__(self, config: Config, clock: Callable[[], datetime] = utc_now) -> None:
        """Read the certificate, or make it. Blocking.

        Raises:
            ConfigError: it cannot be used, or not be made.
        """
        self._config = config
        self._clock = clock
        self.made = config.tls.certificate is None
        self._keep_made()
        self._stamp = self._look()
        self.present, self.context = _load(*self._files)
        self._warn_of_end()

    async def follow(self) -> None:
        """Look again and again, until this is cancelled."""
        loop = asyncio.get_running_loop()
        look_at_age = loop.time() + AGE_S
        while True:
            await asyncio.sleep(LOOK_S)
            if loop.time() >= look_at_age:
                look_at_age = loop.time() + AGE_S
                await in_thread(self.look_at_age)
            await in_thread(self.look)

    async def reload(self, config: Config) -> None:
        """Use the certificate of these settings, read anew.

        Raises:
            ConfigError: it cannot be used; the present one stays.
        """
        if not config.needs_tls:
            raise ConfigError("plain HTTP instead of TLS waits for a restart of the service")
        before = self._config
        self._config = config
        try:
            await in_thread(partial(self._read, "read again"))
        except ConfigError:
            self._config = before
            raise

    def look(self) -> None:
        """Read the files if they are others now. A pair that cannot be used is logged, and the present one stays."""
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._read("changed")
        except ConfigError as error:
            log.error("%s; the certificate from before stays in use", error)

    def look_at_age(self) -> None:
        """Renew the certificate that is made here, in time; warn of the end of another."""
        try:
            self._keep_made()
        except ConfigError as error:
            log.error("%s; the certificate from before stays in use", error)
        self._warn_of_end()

    def _read(self, why: str) -> None:
        self._keep_made()
        self._stamp = self._look()
        self.present, self.context = _load(*self._files)
        self.made = self._config.tls.certificate is None
        log.info(
            "the certificate was %s: SHA-256 %s, until %s UTC",
            *(why, self.present.fingerprint, f"{self.present.ends:%Y-%m-%d %H:%M}"),
        )
        self._warn_of_end()

    def _keep_made(self) -> None:
        if self._config.tls.certificate is None:
            listen, public = self._config.listen, self._config.portal.public_url
            hosts = [] if listen.is_everywhere else [listen.host]
            keep_made(_folder(), [*hosts, public.host] if public is not None else hosts, self._clock())

    @property
    def _files(self) -> tuple[Path, Path]:
        return certificate_files(self._config)

    def _look(self) -> tuple[tuple[int, ...], ...]:
        """What is another where a file was replaced, written, or a link leads elsewhere."""
        return tuple(_stamp_of(path) for path in self._files)

    def _warn_of_end(self) -> None:
        now = self._clock()
        if (trouble := self.present.trouble(now)) is not None:
            log.warning("%s", trouble)
        elif not self.made and now >= self.present.ends - WARN_BEFORE:
            left = self.present.ends - now
            log.warning("the certificate %s ends in %d days", self.present.certificate, left.days)


def certificate_files(config: Config) -> tuple[Path, Path]:
    """The operator's certificate and key, or where the ones are that are made here."""
    if config.tls.certificate is not None and config.tls.key is not None:
        return config.tls.certificate, config.tls.key
    return _folder() / CERTIFICATE_FILE, _folder() / KEY_FILE


def _folder() -> Path:
    return state_dir() / "tls"


def _load(certificate: Path, key: Path) -> tuple[ServerCertificate, ssl.SSLContext]:
    read = read_certificate(certificate, key)
    return read, context_of(read)


def _stamp_of(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
