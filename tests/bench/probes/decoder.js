/** Tells window.benchKeys of our page's keys, and of each frame where it leaves the decoder. */
({ patch, moving, width }) => {
  const KEY = 0x01;
  const { benchKeys } = window;

  const send = RTCDataChannel.prototype.send;
  RTCDataChannel.prototype.send = function (message) {
    if (message[0] === KEY && message[1] & 1) benchKeys.sent();
    return send.call(this, message);
  };

  /** A place of the guest's picture in a frame, which a slow path may have made smaller; chroma wants it even. */
  function within(frame, place) {
    const scale = frame.codedWidth < width ? frame.codedWidth / width : 1;
    return Object.fromEntries(Object.entries(place).map(([name, value]) => [name, Math.max(value * scale, 2) & ~1]));
  }

  async function watch() {
    const { peerConnection } = window.libvirtWebRTC;
    const receiver = peerConnection.getReceivers().find(({ track }) => track.kind === "video");
    const frames = new MediaStreamTrackProcessor({ track: receiver.track.clone() }).readable.getReader();
    // Luma is the first plane.
    const pixels = new Uint8Array(moving.width * moving.height * 3);
    for (;;) {
      const { value: frame, done } = await frames.read();
      const at = performance.now();
      if (done) return;
      await frame.copyTo(pixels, { rect: within(frame, patch) });
      const level = pixels[0];
      const rect = within(frame, moving);
      await frame.copyTo(pixels, { rect });
      frame.close();
      benchKeys.frame(at, level, pixels.subarray(0, rect.width * rect.height));
    }
  }

  watch().catch(benchKeys.fail);
}
