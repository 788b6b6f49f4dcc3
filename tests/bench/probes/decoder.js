/** Tells window.benchKeys of our page's keys, and of each frame where it leaves the decoder. */
({ patch, moving }) => {
  const KEY = 0x01;
  const { benchKeys } = window;

  const send = RTCDataChannel.prototype.send;
  RTCDataChannel.prototype.send = function (message) {
    if (message[0] === KEY && message[1] & 1) benchKeys.sent();
    return send.call(this, message);
  };

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
      await frame.copyTo(pixels, { rect: patch });
      const level = pixels[0];
      await frame.copyTo(pixels, { rect: moving });
      frame.close();
      benchKeys.frame(at, level, pixels.subarray(0, moving.width * moving.height));
    }
  }

  watch().catch(benchKeys.fail);
}
