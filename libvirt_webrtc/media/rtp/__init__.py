"""From encoded frames to one viewer's RTP packets."""
