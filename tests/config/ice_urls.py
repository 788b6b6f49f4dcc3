"""STUN and TURN URLs that are accepted, with their parts."""

from libvirt_webrtc.config.ice_url import Target

ACCEPTED = {
    "stun:stun.example.org": Target("stun", "stun.example.org", 3478, "udp"),
    "stun:192.0.2.1:98": Target("stun", "192.0.2.1", 98, "udp"),
    "stun:[2001:db8::1]:3478": Target("stun", "2001:db8::1", 3478, "udp"),
    "stun:[::1]": Target("stun", "::1", 3478, "udp"),
    "turn:turn_1.example.org.": Target("turn", "turn_1.example.org.", 3478, "udp"),
    "turn:192.0.2.1:98?transport=tcp": Target("turn", "192.0.2.1", 98, "tcp"),
    "turn:[::1]:3478?transport=udp": Target("turn", "::1", 3478, "udp"),
    "turn:[::ffff:192.0.2.1]": Target("turn", "::ffff:192.0.2.1", 3478, "udp"),
    "TURN:h:65535?Transport=TCP": Target("turn", "h", 65535, "tcp"),
    "turns:turn.example.org": Target("turns", "turn.example.org", 5349, "tcp"),
    "turns:h:443?transport=udp": Target("turns", "h", 443, "udp"),
}
