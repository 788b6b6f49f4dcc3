"""What to type so that a firewall lets viewers' datagrams in."""

import shutil

from libvirt_webrtc.config.ice_ports import PortRange

_LINES = {
    "firewall-cmd": "firewall-cmd --permanent --add-port={0}/udp && firewall-cmd --reload",
    "ufw": "ufw allow {1}/udp",
    "nft": "nft add rule inet filter input udp dport {0} accept",
    "iptables": "iptables -I INPUT -p udp --dport {1} -j ACCEPT",
}
"""By the tool; the ports with a dash, and with a colon."""


def firewall_advice(ports: PortRange | None) -> str:
    """A sentence, with the line of the tool that this machine has."""
    if ports is None:
        return (
            'name a range, such as [ice] ports = "50000-50100", and let it through every firewall on the way'
        )
    for tool, line in _LINES.items():
        if shutil.which(tool) is not None:
            typed = line.format(ports, str(ports).replace("-", ":"))
            return f"let UDP {ports} in: {typed}; and through every firewall on the way"
    return f"let UDP {ports} in, through every firewall on the way"
