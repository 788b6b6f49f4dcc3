"""Whether workers can be locked in, and how far."""

from collections.abc import Iterable, Iterator

from libvirt_webrtc.doctor.findings import Finding, ok, problem, warning
from libvirt_webrtc.worker.sandbox.survey import Protection


def check_isolation(layers: Iterable[Protection]) -> Iterator[Finding]:
    """One finding for each layer of the sandbox, as this user's workers would get them."""
    for layer in layers:
        subject = f"workers: {layer.name}"
        if layer.present:
            yield ok(subject, layer.text)
        elif layer.needed:
            yield problem(subject, layer.text, layer.remedy)
        else:
            yield warning(subject, layer.text, layer.remedy)
