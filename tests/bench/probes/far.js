// A bare viewer: takes an offer's answer, and notes when each picture was shown.
window.far = {
  pictures: [],
  async offer() {
    const pc = (this.pc = new RTCPeerConnection());
    pc.addTransceiver("video", { direction: "recvonly" });
    pc.ontrack = ({ track }) => {
      const video = document.createElement("video");
      video.muted = video.autoplay = true;
      video.srcObject = new MediaStream([track]);
      document.body.append(video);
      const shown = (now) => {
        this.pictures.push(performance.timeOrigin + now);
        video.requestVideoFrameCallback(shown);
      };
      video.requestVideoFrameCallback(shown);
    };
    await pc.setLocalDescription(await pc.createOffer());
    while (pc.iceGatheringState !== "complete") {
      await new Promise((resolve) => pc.addEventListener("icegatheringstatechange", resolve, { once: true }));
    }
    return pc.localDescription.sdp;
  },
  answer(sdp) {
    return this.pc.setRemoteDescription({ type: "answer", sdp });
  },
};
