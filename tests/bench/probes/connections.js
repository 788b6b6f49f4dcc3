/**
 * Runs before each page's own scripts. Keeps when each peer connection came how far, in Unix time (ms, with
 * fractions), so that times of several documents and processes of one machine compare; and when the list was clicked.
 */
(() => {
  const now = () => performance.timeOrigin + performance.now();
  window.benchConnections = [];

  window.addEventListener(
    "click",
    (event) => sessionStorage.setItem("benchClickedAt", performance.timeOrigin + event.timeStamp),
    { capture: true },
  );

  const Connection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...parameters) {
      super(...parameters);
      const times = { made: now(), gathered: null, answered: null, connected: null, shown: null, picture: null };
      window.benchConnections.push(times);
      this.addEventListener("icegatheringstatechange", () => {
        if (this.iceGatheringState === "complete") times.gathered ??= now();
      });
      this.addEventListener("connectionstatechange", () => {
        if (this.connectionState === "connected") times.connected ??= now();
      });
      this.addEventListener("track", () => {
        times.answered = now();
        // The video is empty until the page, after this, gives it the stream: the next frame is the stream's first.
        const video = document.querySelector("video");
        video.requestVideoFrameCallback(() => {
          times.shown = now();
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
          canvas.getContext("2d").drawImage(video, 0, 0);
          times.picture = canvas;
        });
      });
    }
  };
})();
