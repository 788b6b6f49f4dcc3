/**
 * Tells window.benchKeys of our page's keys over a WebSocket, and of each frame that has been drawn.
 */
({ patch, moving, width }) => {
  const KEY = 0x01;
  const { benchKeys } = window;

  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (message) {
    // The first byte is the console's index.
    if (message[1] === KEY && message[2] & 1) benchKeys.sent();
    return send.call(this, message);
  };

  /** A place of the guest's picture in a frame, which a slow path may have made smaller; chroma wants it even. */
  function within(frame, place) {
    const scale = frame.codedWidth < width ? frame.codedWidth / width : 1;
    return Object.fromEntries(Object.entries(place).map(([name, value]) => [name, Math.max(value * scale, 2) & ~1]));
  }

  const pixels = new Uint8Array(moving.width * moving.height * 4);
  async function look(frame, at) {
    await frame.copyTo(pixels, { rect: within(frame, patch) });
    const level = pixels[0];
    const rect = within(frame, moving);
    await frame.copyTo(pixels, { rect });
    const each = /^(RGB|BGR)/.test(frame.format) ? 4 : 1;
    frame.close();
    benchKeys.frame(at, level, pixels.subarray(0, each * rect.width * rect.height));
  }

  // Reading takes longer than drawing on a busy machine: of the frames that come meanwhile, the newest is looked at.
  let [busy, next] = [false, null];
  async function lookAtNewest() {
    busy = true;
    while (next) {
      const { frame, at } = next;
      next = null;
      await look(frame, at);
    }
    busy = false;
  }

  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (image, ...place) {
    draw.call(this, image, ...place);
    if (!(image instanceof VideoFrame)) return;
    next?.frame.close();
    next = { frame: image.clone(), at: performance.now() };
    if (!busy) lookAtNewest().catch(benchKeys.fail);
  };
}
