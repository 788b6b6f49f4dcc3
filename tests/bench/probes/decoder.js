/**
 * Tells window.benchKeys of our page's keys, and of each frame where it leaves the decoder; in Firefox, which gives a page no
 * such frames, where the page's video shows it.
 */
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

  /** Something that gives the next frame; none at the end. */
  function source() {
    const { peerConnection, consoles } = window.libvirtWebRTC;
    if (!("MediaStreamTrackProcessor" in window)) {
      const { video } = consoles[0];
      return () => new Promise((shown) => video.requestVideoFrameCallback(() => shown(new VideoFrame(video))));
    }
    const receiver = peerConnection.getReceivers().find(({ track }) => track.kind === "video");
    const frames = new MediaStreamTrackProcessor({ track: receiver.track.clone() }).readable.getReader();
    return async () => (await frames.read()).value;
  }

  async function watch() {
    const next = source();
    // Luma is the first plane, where there are planes; else there are four bytes for each pixel.
    const pixels = new Uint8Array(moving.width * moving.height * 4);
    for (;;) {
      const frame = await next();
      const at = performance.now();
      if (!frame) return;
      await frame.copyTo(pixels, { rect: within(frame, patch) });
      const level = pixels[0];
      const rect = within(frame, moving);
      await frame.copyTo(pixels, { rect });
      const each = /^(RGB|BGR)/.test(frame.format) ? 4 : 1;
      frame.close();
      benchKeys.frame(at, level, pixels.subarray(0, each * rect.width * rect.height));
    }
  }

  watch().catch(benchKeys.fail);
}
