/**
 * Gives window.benchKeys: from a key that is sent to the changed patch, and how many different pictures came. What
 * watches the picture tells it of each frame, or gives it each. Times are performance.now()'s.
 */
() => {
  const LIGHT = 128;
  let light = null;
  let sentAt = null;
  let frames = 0;
  let last = "";
  let changed;

  /** Expect a key: call before it is pressed. */
  function arm() {
    sentAt = null;
    changed = Promise.withResolvers();
  }

  /** What became of the key, once the patch has changed. */
  async function result() {
    const at = await changed.promise;
    return { ms: at - sentAt, sent: sentAt !== null };
  }

  /** A key went down. */
  function sent() {
    sentAt ??= performance.now();
  }

  /** A frame came: how light the patch is (0 to 255), and the pixels that tell pictures apart. */
  function frame(at, level, pixels) {
    const content = String.fromCharCode(...pixels);
    if (content !== last) frames += 1;
    last = content;
    const now = level > LIGHT;
    if (light !== null && now !== light) changed?.resolve(at);
    light = now;
  }

  /** A place of the guest's picture in a frame, which a slow path may have made smaller; chroma wants it even. */
  function within(videoFrame, place, width) {
    const scale = videoFrame.codedWidth < width ? videoFrame.codedWidth / width : 1;
    return Object.fromEntries(Object.entries(place).map(([name, value]) => [name, Math.max(value * scale, 2) & ~1]));
  }

  /** Looks at a VideoFrame, and closes it: at two places of the guest's picture, which is `width` wide. */
  async function look(videoFrame, at, { patch, moving, width }) {
    // Luma is the first plane, where there are planes; else there are four bytes for each pixel.
    const pixels = new Uint8Array(moving.width * moving.height * 4);
    await videoFrame.copyTo(pixels, { rect: within(videoFrame, patch, width) });
    const level = pixels[0];
    const rect = within(videoFrame, moving, width);
    await videoFrame.copyTo(pixels, { rect });
    const each = /^(RGB|BGR)/.test(videoFrame.format) ? 4 : 1;
    videoFrame.close();
    frame(at, level, pixels.subarray(0, each * rect.width * rect.height));
  }

  /** Different pictures per second, within the next `ms`. */
  async function rate(ms) {
    const [before, began] = [frames, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, ms));
    return (1000 * (frames - before)) / (performance.now() - began);
  }

  window.benchKeys = { arm, result, rate, sent, frame, look, fail: (error) => changed?.reject(error) };
}
