"""Pictures to encoded video to WebRTC tracks."""
