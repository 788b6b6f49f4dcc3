/**
 * Gives window.benchKeys: from a key that is sent to the changed patch, and how many different pictures came. What
 * watches the picture tells it of each frame. Times are performance.now()'s.
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

  /** Different pictures per second, within the next `ms`. */
  async function rate(ms) {
    const [before, began] = [frames, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, ms));
    return (1000 * (frames - before)) / (performance.now() - began);
  }

  window.benchKeys = { arm, result, rate, sent, frame, fail: (error) => changed?.reject(error) };
}
