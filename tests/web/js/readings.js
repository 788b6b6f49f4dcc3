// Two readings of one connection, two seconds apart, and what its server tells.

export const READING = {
  at: 0,
  codec: "H.264 4:4:4",
  width: 1920,
  height: 1080,
  framesReceived: 0,
  framesDecoded: 0,
  framesDropped: 1,
  keyFramesDecoded: 0,
  bytesReceived: 0,
  packetsReceived: 0,
  packetsLost: 0,
  decodeMs: 0,
  jitterBufferMs: 0,
  jitterBufferFrames: 0,
  processingMs: 0,
  roundTripMs: 4,
  decoder: "",
  path: "WebRTC: direct, UDP over IPv4",
  pathReason: "To the server’s 192.0.2.1:50000",
};

export const LATER = {
  ...READING,
  at: 2000,
  framesDecoded: 60,
  bytesReceived: 1_000_000,
  packetsReceived: 990,
  packetsLost: 10,
  decodeMs: 120,
  jitterBufferMs: 30,
  jitterBufferFrames: 60,
};

export const SERVER = {
  viewer: { layer: "full", reason: "full quality", dropped: 2, rtt_ms: 5 },
  rendition: {
    encoder: "libx264",
    encoder_reason: "no hardware",
    width: 1920,
    height: 1080,
    encode_ms: 5,
    delay_ms: 8,
  },
};
