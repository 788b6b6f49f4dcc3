/**
 * Tells window.benchKeys of our page's keys, and of each frame where it leaves the decoder; in Firefox, which gives a page no
 * such frames, where the page's video shows it.
 */
(places) => {
  const KEY = 0x01;
  const { benchKeys } = window;

  const send = RTCDataChannel.prototype.send;
  RTCDataChannel.prototype.send = function (message) {
    if (message[0] === KEY && message[1] & 1) benchKeys.sent();
    return send.call(this, message);
  };

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
    for (;;) {
      const frame = await next();
      const at = performance.now();
      if (!frame) return;
      await benchKeys.look(frame, at, places);
    }
  }

  watch().catch(benchKeys.fail);
}
