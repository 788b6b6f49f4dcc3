// Bare viewers that press a key about twice a second, each message with the time at which it was sent.
window.farInput = {
  peers: [],
  /** @param {boolean} nudged whether the page's own small messages follow each key */
  async offer(nudged) {
    const pc = new RTCPeerConnection();
    this.peers.push(pc);
    const channel = pc.createDataChannel("input");
    const nudge = new window.Nudge(() => channel.send(new Uint8Array([7, 0, 0, 0, 0])));
    const press = () => {
      const message = new DataView(new ArrayBuffer(9));
      message.setUint8(0, 1);
      message.setFloat64(1, performance.timeOrigin + performance.now());
      channel.send(message.buffer);
      if (nudged) nudge.sent();
      setTimeout(press, 400 + Math.random() * 300);
    };
    channel.onopen = () => setTimeout(press, Math.random() * 700);
    await pc.setLocalDescription(await pc.createOffer());
    while (pc.iceGatheringState !== "complete") {
      await new Promise((resolve) => pc.addEventListener("icegatheringstatechange", resolve, { once: true }));
    }
    return pc.localDescription.sdp;
  },
  answer(sdp) {
    return this.peers.at(-1).setRemoteDescription({ type: "answer", sdp });
  },
};
