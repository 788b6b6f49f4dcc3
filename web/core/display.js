// @ts-check
/** The picture on the page: the video, scaled and cropped, and its last frame while there is no connection. */

import { isInside, layOut, toGuest, trueRatio, windowSize } from "./geometry.js";

/** @typedef {import("./protocol.js").Size} Size */
/** @typedef {import("./geometry.js").Scaling} Scaling */
/**
 * @typedef {object} DisplayElements
 * @property {HTMLElement} stage the room there is
 * @property {HTMLElement} screen within the stage; gets exactly the guest's picture's place, clips its content
 * @property {HTMLVideoElement} video within the screen
 * @property {HTMLCanvasElement} still within the screen, over the video; `hidden` unless frozen
 */

export class Display {
  #elements;
  /** @type {Scaling} */
  #scaling = "fit";
  /** @type {Size | null} */
  #guest = null;
  /** @type {() => void} */
  #changed;
  #scale = 1;
  /** Device pixels per CSS pixel. */
  #ratio = devicePixelRatio;
  /** How many times as large as the scaling says, by fingers. */
  #zoom = 1;
  /** The stage's, in device pixels; null before it was measured, and while it is hidden. @type {Size | null} */
  #device = null;
  /** True once the present stream has shown a frame. */
  showing = false;

  /**
   * @param {DisplayElements} elements
   * @param {() => void} changed size, scale or `showing` is another one now
   */
  constructor(elements, changed) {
    this.#elements = elements;
    this.#changed = changed;
    this.#watchRoom();
    elements.video.addEventListener("resize", () => this.#lay());
    this.#watchRatio();
  }

  /** @returns {Size | null} of the guest's picture, in its own pixels; null before anything is known */
  get size() {
    const { videoWidth: width, videoHeight: height } = this.#elements.video;
    return this.#guest ?? (width && height ? { width, height } : null);
  }

  /** @returns {import("./protocol.js").WindowSize | null} of a picture that fills the room; null while it is hidden */
  get room() {
    const { stage } = this.#elements;
    return this.#device && windowSize(stage.getBoundingClientRect(), this.#device);
  }

  /** @returns {number} CSS pixels per guest pixel */
  get scale() {
    return this.#scale;
  }

  /** @returns {Scaling} */
  get scaling() {
    return this.#scaling;
  }

  /** @param {Scaling} scaling */
  set scaling(scaling) {
    this.#scaling = scaling;
    this.#zoom = 1;
    this.#lay();
  }

  /**
   * Make the picture larger or smaller, never smaller than the scaling says.
   * @param {number} factor
   * @param {{clientX: number, clientY: number}} place what is there stays there, where that is possible
   */
  zoomBy(factor, { clientX, clientY }) {
    const { stage, screen } = this.#elements;
    const before = screen.getBoundingClientRect();
    if (!before.width) return;
    this.#zoom *= factor;
    this.#lay();
    const now = screen.getBoundingClientRect();
    const moved = (/** @type {number} */ offset) => (offset * now.width) / before.width;
    stage.scrollBy(now.left + moved(clientX - before.left) - clientX, now.top + moved(clientY - before.top) - clientY);
  }

  /** @param {Size} size as the guest's side told it */
  resize(size) {
    this.#guest = size.width && size.height ? size : null;
    this.#lay();
  }

  /** @param {MediaStream} stream shown from its first frame on; the frozen picture stays until then */
  attach(stream) {
    const { video, still } = this.#elements;
    video.srcObject = stream;
    video.play().catch(() => undefined); // interrupted by the next attach()
    const shown = () => {
      if (video.srcObject !== stream) return;
      this.showing = true;
      still.hidden = true;
      this.#changed();
    };
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(shown);
    else /** @type {HTMLVideoElement} */ (video).addEventListener("loadeddata", shown, { once: true });
  }

  /** Keep the last frame on the page and let go of the stream. */
  freeze() {
    const { video, still } = this.#elements;
    if (this.showing && video.videoWidth) {
      still.width = video.videoWidth;
      still.height = video.videoHeight;
      still.getContext("2d")?.drawImage(video, 0, 0);
      still.hidden = false;
    }
    this.showing = false;
    video.srcObject = null;
    this.#changed();
  }

  /**
   * @param {{clientX: number, clientY: number}} event
   * @returns {import("./geometry.js").Point} the guest pixel there
   */
  toGuest({ clientX, clientY }) {
    const box = this.#elements.screen.getBoundingClientRect();
    return toGuest({ x: clientX, y: clientY }, box, this.size ?? { width: 1, height: 1 });
  }

  /**
   * @param {{clientX: number, clientY: number}} event
   * @returns {boolean} whether a press there is meant for the guest; so is any, before there is a picture
   */
  isInside({ clientX, clientY }) {
    return isInside({ x: clientX, y: clientY }, this.#elements.screen.getBoundingClientRect());
  }

  #watchRoom() {
    const { stage } = this.#elements;
    const observer = new ResizeObserver(([{ contentRect, devicePixelContentBoxSize }]) => {
      const box = devicePixelContentBoxSize?.[0];
      const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
      this.#ratio = trueRatio(devicePixelRatio, contentRect.width, box?.inlineSize, timeZone);
      const device = (/** @type {number} */ css, /** @type {number | undefined} */ counted) => {
        // Only the browser knows how it rounds edges. While developer tools emulate a device, its count is wrong.
        const exact = css * this.#ratio;
        return counted !== undefined && Math.abs(counted - exact) <= 1 ? counted : Math.round(exact);
      };
      const width = device(contentRect.width, box?.inlineSize);
      const height = device(contentRect.height, box?.blockSize);
      this.#device = width && height ? { width, height } : null;
      this.#lay();
      this.#changed();
    });
    try {
      // This box also reports a browser zoom that changes the device pixels but not the CSS size.
      observer.observe(stage, { box: "device-pixel-content-box" });
    } catch {
      // Not every browser knows that box.
      observer.observe(stage);
    }
  }

  #lay() {
    const { stage, screen, video, still } = this.#elements;
    const guest = this.size;
    // Not clientWidth: scroll bars would make it smaller, and it decides whether there are scroll bars.
    const room = stage.getBoundingClientRect();
    if (!guest || !room.width) return;
    const shown = still.hidden ? { width: video.videoWidth, height: video.videoHeight } : still;
    const layout = layOut({
      stage: room,
      guest,
      encoded: { width: shown.width, height: shown.height },
      scaling: this.#scaling,
      ratio: this.#ratio,
      zoom: this.#zoom,
    });
    this.#scale = layout.scale;
    this.#zoom = layout.zoom;
    for (const [name, value] of Object.entries(layout.screen)) screen.style.setProperty(name, `${value}px`);
    for (const element of [video, still]) {
      element.style.width = `${layout.video.width}px`;
      element.style.height = `${layout.video.height}px`;
    }
    screen.classList.toggle("crisp", layout.crisp);
    // A picture that may be larger than its room is moved by scrolling.
    stage.classList.toggle("larger", this.#scaling === "actual" || this.#zoom > 1);
    this.#changed();
  }

  /** A browser zoom, or a window on another screen, changes what a device pixel is. */
  #watchRatio() {
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener(
      "change",
      () => {
        this.#ratio = devicePixelRatio;
        this.#lay();
        this.#watchRatio();
      },
      { once: true },
    );
  }
}
