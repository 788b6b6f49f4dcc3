/**
 * Watches one patch of the guest's picture where frames leave the decoder, and when KEY messages are sent.
 * Gives window.benchKeys, see below. Times are performance.now()'s.
 */
(patch) => {
  const KEY = 0x01;
  const LIGHT = 128;
  const keys = { sentAt: null, frames: 0, light: null, arm, result };
  let changed;

  const send = RTCDataChannel.prototype.send;
  RTCDataChannel.prototype.send = function (message) {
    if (message[0] === KEY && message[1] & 1) keys.sentAt ??= performance.now();
    return send.call(this, message);
  };

  /** Expect a key: call before it is pressed. */
  function arm() {
    keys.sentAt = null;
    const { frames } = keys;
    const armedAt = performance.now();
    changed = Promise.withResolvers();
    changed.promise = changed.promise.then((at) => ({
      ms: at - keys.sentAt,
      sent: keys.sentAt !== null,
      fps: (1000 * (keys.frames - frames)) / (at - armedAt),
    }));
  }

  /** What became of the key, once the patch has changed. */
  function result() {
    return changed.promise;
  }

  async function watch() {
    const { peerConnection } = window.libvirtWebRTC;
    const receiver = peerConnection.getReceivers().find(({ track }) => track.kind === "video");
    const frames = new MediaStreamTrackProcessor({ track: receiver.track.clone() }).readable.getReader();
    // Luma is the first plane, and the rectangle must be even.
    const even = (value) => value & ~1;
    const rect = { x: even(patch.x + patch.width / 2), y: even(patch.y + patch.height / 2), width: 2, height: 2 };
    const pixels = new Uint8Array(16);
    for (;;) {
      const { value: frame, done } = await frames.read();
      const at = performance.now();
      if (done) return;
      keys.frames += 1;
      await frame.copyTo(pixels, { rect });
      frame.close();
      const light = pixels[0] > LIGHT;
      if (keys.light !== null && light !== keys.light) changed?.resolve(at);
      keys.light = light;
    }
  }

  watch().catch((error) => changed?.reject(error));
  window.benchKeys = keys;
}
