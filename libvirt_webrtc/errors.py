"""All errors that the program raises on purpose.

::

    LibvirtWebRTCError
    ├── ConfigError               a setting that cannot be used; says which and what to write
    ├── StateError                a file of the state folder that cannot be used; says which and why
    ├── LinkRefused               a share link that opens nothing; says why
    ├── TooManyLinks              no further share link can be made
    ├── DomainXMLError            domain XML that cannot be read, or must not be changed as asked
    ├── HypervisorError           libvirt refused a call
    │   ├── HypervisorUnavailable no connection to libvirt right now
    │   │   └── NoAnswer          the call may still be going on
    │   ├── NoSuchDomain
    │   ├── CannotAttach          a running domain cannot get its console now; it was not touched
    │   └── DisplayUnusable       a running domain's display cannot be opened, and another try would not help
    │       └── NoDescriptors     nor for any other domain: libvirt's connection passes no file descriptors
    ├── DisplayError              QEMU's D-Bus display
    │   ├── DisplayClosed         the connection has ended
    │   ├── DisplayProtocolError  the other side sent what the protocol does not allow
    │   ├── InputRejected         a key, button or position QEMU would not take
    │   └── GraphicsError         OpenGL cannot be used here, or cannot show what QEMU offers
    ├── MediaError                no encoder, or it failed
    │   └── PictureLost           a picture in a graphics card's memory cannot be read
    ├── NegotiationError          an offer that cannot be answered
    │   └── GatheringError        not the offer's fault: no candidates of ours in time
    │       └── NoPortLeft        all UDP ports that may be used are taken
    ├── ViewerProtocolError       a viewer sent what docs/protocol.md does not allow
    ├── PamUnavailable            the helper that checks system users' passwords does not answer
    ├── ConsoleError              a console that cannot be opened
    │   ├── NoConsole             not as things are; says why
    │   ├── TooManyViewers        it has as many viewers as it may have
    │   └── ConsoleStarting       not yet; worth another try in a moment
    ├── SignInRefused             somebody who cannot be let in; says why
    ├── ProviderUnavailable       the OpenID provider cannot be asked, or does not answer as the standard says
    └── WorkerError               a console's worker process
        ├── MessageRefused        cannot be sent to it, or by it: too large, or not Unicode
        ├── WorkerGone            it ended before it answered
        └── SandboxError          it cannot be locked in

Whoever meets the outside turns an error into an HTTP status, a close code or an exit status, once: the portal's
``problems.py``, the worker's connections, ``cli.py``.
"""


class LibvirtWebRTCError(Exception):
    """Base of all errors raised on purpose."""


class ConfigError(LibvirtWebRTCError):
    """A setting that cannot be used."""


class StateError(LibvirtWebRTCError):
    """A file of the state folder that cannot be used: damaged, open to others, not to be written."""


class LinkRefused(LibvirtWebRTCError):
    """A share link that opens nothing. The message says why, in a sentence for whoever has it."""


class TooManyLinks(LibvirtWebRTCError):
    """No further share link can be made until some are revoked or end."""


class DomainXMLError(LibvirtWebRTCError):
    """Domain XML that cannot be read, or must not be changed in the way asked for."""


class HypervisorError(LibvirtWebRTCError):
    """libvirt refused a call."""


class HypervisorUnavailable(HypervisorError):
    """There is no connection to libvirt right now."""


class NoAnswer(HypervisorUnavailable):
    """libvirt took a call and has not answered it. It may still carry it out; the connection is still in use."""


class NoSuchDomain(HypervisorError):
    """libvirt knows no domain of this name or UUID."""


class CannotAttach(HypervisorError):
    """A running domain cannot be given its console now; the message says why. It was not touched."""


class DisplayUnusable(HypervisorError):
    """A running domain's display cannot be opened, and another try would not help; the message says what would."""


class NoDescriptors(DisplayUnusable):
    """libvirt's connection passes no file descriptors: each try breaks it, whatever the domain."""


class DisplayError(LibvirtWebRTCError):
    """QEMU's D-Bus display cannot be used."""


class DisplayClosed(DisplayError):
    """The connection to the display has ended."""


class DisplayProtocolError(DisplayError):
    """The other side sent what the protocol does not allow."""


class InputRejected(DisplayError):
    """QEMU would not take a key, a button or a position."""


class GraphicsError(DisplayError):
    """OpenGL cannot be used here, or cannot show what QEMU offers; the message says what was tried."""


class MediaError(LibvirtWebRTCError):
    """A picture could not be encoded."""


class PictureLost(MediaError):
    """A picture in a graphics card's memory cannot be read; the next one may be."""


class NegotiationError(LibvirtWebRTCError):
    """An offer that cannot be answered."""


class GatheringError(NegotiationError):
    """The worker could not gather its own ICE candidates in time; the message says what to check."""


class NoPortLeft(GatheringError):
    """All UDP ports that the operator allows are taken; a viewer may leave at any time."""


class ViewerProtocolError(LibvirtWebRTCError):
    """A viewer sent what docs/protocol.md does not allow."""


class PamUnavailable(LibvirtWebRTCError):
    """Nobody can say whether a system user's password is right; the message says what to look at."""


class ConsoleError(LibvirtWebRTCError):
    """A console cannot be opened."""


class NoConsole(ConsoleError):
    """There is no such console, or the domain has none as things are; the message says why."""


class TooManyViewers(ConsoleError):
    """The console has as many viewers as it may have; one may leave at any time."""


class ConsoleStarting(ConsoleError):
    """The console is being set up; worth another try in a moment."""


class SignInRefused(LibvirtWebRTCError):
    """Somebody cannot be let in by another's word, as an OpenID provider's or a proxy's; the message says why."""


class ProviderUnavailable(LibvirtWebRTCError):
    """The OpenID provider cannot be asked, or does not answer as the standard says; the message says what is wrong."""


class WorkerError(LibvirtWebRTCError):
    """A console's worker process failed."""


class MessageRefused(WorkerError):
    """A message between the supervisor and a worker that cannot be sent. Only its own request fails."""


class WorkerGone(WorkerError):
    """The worker process ended before it answered."""


class SandboxError(WorkerError):
    """A process cannot be locked in, and must not go on. The message says which layer failed, or what is missing."""
