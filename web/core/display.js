// @ts-check
/** The picture on the page, scaled and cropped: a video or what is drawn, and its last frame while there is no connection. */

import { isInside, layOut, toGuest, trueRatio, windowSize } from "./geometry.js";

/** @typedef {import("./protocol.js").Size} Size */
/** @typedef {import("./geometry.js").Scaling} Scaling */
/** @typedef {import("./session.js").Source} Source */
/**
 * @typedef {object} DisplayElements
 * @property {HTMLElement} stage the room there is
 * @property {HTMLElement} screen within the stage; gets exactly the guest's picture's place, clips its content
 * @property {HTMLVideoElement} video within the screen
 * @property {HTMLCanvasElement} picture within the screen, over the video: where pictures are drawn that are no stream
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
  /** True once the present source has shown a frame. */
  showing = false;
  /** @type {Source | null} */
  #source = null;

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
    const { width, height } = this.#encoded;
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

  /** @returns {Source | null} where the picture comes from; null while it is frozen */
  get source() {
    return this.#source;
  }

  /** @param {Source} source shown from its first frame on; the frozen picture stays until then */
  attach(source) {
    this.#release();
    this.#source = source;
    if (!(source instanceof MediaStream)) {
      source.onframe = (frame) => this.#draw(frame);
      return;
    }
    const { video } = this.#elements;
    video.srcObject = source;
    video.play().catch(() => undefined); // interrupted by the next attach()
    const shown = () => {
      if (this.#source === source) this.#shows();
    };
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(shown);
    else /** @type {HTMLVideoElement} */ (video).addEventListener("loadeddata", shown, { once: true });
  }

  /** Keep the last frame on the page and let go of its source. */
  freeze() {
    const { video, picture, still } = this.#elements;
    const { width, height } = this.#encoded;
    if (this.showing && width) {
      still.width = width;
      still.height = height;
      still.getContext("2d")?.drawImage(picture.hidden ? video : picture, 0, 0);
      still.hidden = false;
    }
    this.#release();
    this.showing = false;
    this.#changed();
  }

  #release() {
    const { video, picture } = this.#elements;
    if (this.#source && !(this.#source instanceof MediaStream)) this.#source.onframe = null;
    this.#source = null;
    video.srcObject = null;
    picture.hidden = true;
    picture.width = picture.height = 0;
  }

  #shows() {
    this.showing = true;
    this.#elements.still.hidden = true;
    this.#changed();
  }

  /** @param {VideoFrame} frame drawn at once: whichever the screen comes to show next, it is not older than this one */
  #draw(frame) {
    const { picture } = this.#elements;
    const { displayWidth: width, displayHeight: height } = frame;
    const resized = picture.width !== width || picture.height !== height;
    if (resized) {
      picture.width = width;
      picture.height = height;
    }
    picture.getContext("2d", { alpha: false })?.drawImage(frame, 0, 0);
    frame.close();
    picture.hidden = false;
    if (!this.showing) this.#shows();
    if (resized) this.#lay();
  }

  /** @returns {Size} of the picture that was shown last; 0 before any */
  get #encoded() {
    const { video, picture } = this.#elements;
    return picture.hidden ? { width: video.videoWidth, height: video.videoHeight } : picture;
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
    const { stage, screen, video, picture, still } = this.#elements;
    const guest = this.size;
    // Not clientWidth: scroll bars would make it smaller, and it decides whether there are scroll bars.
    const room = stage.getBoundingClientRect();
    if (!guest || !room.width) return;
    const shown = still.hidden ? this.#encoded : still;
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
    for (const element of [video, picture, still]) {
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
