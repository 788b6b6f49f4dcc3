/** Resolves with the time (Unix, ms with fractions) at which the console page noticed that it is not connected any more. */
() =>
  new Promise((resolve) => {
    const look = () => {
      if (window.libvirtWebRTC.state !== "connected") resolve(performance.timeOrigin + performance.now());
      else setTimeout(look, 1);
    };
    look();
  });
