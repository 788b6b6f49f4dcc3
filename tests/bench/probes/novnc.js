/** Connects noVNC, and tells window.benchKeys of its keys, and of each frame once it is on its canvas. */
async ({ url, patch, moving }) => {
  const [KEY_EVENT, QEMU_MESSAGE, EXTENDED_KEY_EVENT] = [4, 255, 0];
  const { benchKeys } = window;

  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (message) {
    const [type, second, , fourth] = new Uint8Array(message.buffer ?? message, message.byteOffset ?? 0, message.byteLength);
    const extended = type === QEMU_MESSAGE && second === EXTENDED_KEY_EVENT;
    if ((type === KEY_EVENT && second === 1) || (extended && fourth === 1)) benchKeys.sent();
    return send.call(this, message);
  };

  const { default: RFB } = await import("/core/rfb.js");
  const rfb = new RFB(document.querySelector("#screen"), url);
  rfb.scaleViewport = true;
  await new Promise((resolve, reject) => {
    rfb.addEventListener("connect", resolve);
    rfb.addEventListener("disconnect", () => reject(new Error("noVNC lost its connection")));
  });
  const context = rfb._canvas.getContext("2d");
  const read = ({ x, y, width, height }) => context.getImageData(x, y, width, height).data;

  // Every picture goes from the back buffer to the canvas here.
  const display = rfb._display;
  const flip = display.flip;
  display.flip = function (...parameters) {
    const { left, top, right, bottom } = this._damageBounds;
    flip.apply(this, parameters);
    if (right <= left || bottom <= top || this._damageBounds.right === right) return;
    const at = performance.now();
    benchKeys.frame(at, read(patch)[0], read(moving));
  };
  rfb.focus();
}
