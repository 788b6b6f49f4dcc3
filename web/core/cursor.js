// @ts-check
/**
 * The guest's pointer. Where positions are absolute, the browser's own pointer takes the guest's shape, so that it never
 * lags; a shape that is too large for that is drawn at the browser's pointer. Where the guest moves its pointer by itself
 * (relative motion, or a finger), it is drawn over the picture where the guest says.
 */

/** @typedef {import("./protocol.js").CursorImage} CursorImage */

/** Browsers ignore pointer images that are larger than this, in CSS pixels. */
const CSS_SIDE_MAX = 128;
const SCALE_MIN = 0.5;
const SCALE_MAX = 2;

/**
 * The pointer where the guest shows none, or draws its own into the picture: a dot, small enough not to cover that one, and
 * visible on any background.
 * @returns {string} a CSS cursor
 */
function dotCursor() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 9;
  const context = canvas.getContext("2d");
  if (!context) return "crosshair";
  for (const [radius, colour] of /** @type {[number, string][]} */ ([[3.2, "#fff"], [2.2, "#111"]])) {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(4.5, 4.5, radius, 0, 2 * Math.PI);
    context.fill();
  }
  return `url(${canvas.toDataURL()}) 4 4, crosshair`;
}

export class Cursor {
  #stage;
  #overlay;
  #dot = dotCursor();
  /** @type {CursorImage | null} */
  #image = null;
  #visible = true;
  #drawn = false;
  /** It is drawn over the picture, not shown as the browser's pointer. */
  #overlaid = false;
  #scale = 1;
  #ratio = devicePixelRatio;
  /** Where the guest has it. */
  #at = { x: 0, y: 0 };
  /** Where the browser's pointer is; null while it is elsewhere. @type {{x: number, y: number} | null} */
  #mouse = null;

  /**
   * @param {HTMLElement} stage gets the CSS cursor
   * @param {HTMLCanvasElement} overlay within the picture's element
   */
  constructor(stage, overlay) {
    this.#stage = stage;
    this.#overlay = overlay;
    this.#present();
  }

  /** Forget the guest's pointer: another connection tells it again. */
  reset() {
    this.#image = null;
    this.#visible = true;
    this.#present();
  }

  /** @param {CursorImage} image */
  define(image) {
    const empty = image.width === 0 || image.height === 0 || image.rgba.every((value, i) => i % 4 !== 3 || value === 0);
    this.#image = empty ? null : image;
    this.#present();
  }

  /**
   * @param {number} x of the hot spot
   * @param {number} y guest pixels
   * @param {boolean} visible
   */
  place(x, y, visible) {
    this.#at = { x, y };
    if (visible !== this.#visible) {
      this.#visible = visible;
      this.#present();
    } else this.#position();
  }

  /** @param {number} scale CSS pixels per guest pixel of the picture */
  rescale(scale) {
    if (scale === this.#scale && devicePixelRatio === this.#ratio) return;
    this.#scale = scale;
    this.#ratio = devicePixelRatio;
    this.#present();
  }

  /** @param {boolean} drawn draw it over the picture, at the place that place() tells */
  set drawn(drawn) {
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#present();
  }

  /** @param {{x: number, y: number} | null} mouse where the browser's pointer is, guest pixels; null: not here */
  set mouse(mouse) {
    this.#mouse = mouse;
    this.#position();
  }

  #present() {
    const image = this.#visible ? this.#image : null;
    const scale = Math.min(SCALE_MAX, Math.max(SCALE_MIN, this.#scale));
    const ownPointer = image && !this.#drawn && Math.max(image.width, image.height) * scale <= CSS_SIDE_MAX;
    this.#overlaid = image !== null && !ownPointer;
    if (!image) this.#stage.style.cursor = this.#dot;
    else if (ownPointer) this.#dress(image, scale);
    else {
      this.#stage.style.cursor = "none";
      this.#draw(image, 1, this.#overlay);
    }
    this.#position();
  }

  /**
   * @param {CursorImage} image
   * @param {number} scale canvas pixels per guest pixel
   * @param {HTMLCanvasElement} canvas
   */
  #draw(image, scale, canvas) {
    canvas.width = Math.max(1, Math.round(image.width * scale));
    canvas.height = Math.max(1, Math.round(image.height * scale));
    const context = canvas.getContext("2d");
    if (!context) return;
    const pixels = new ImageData(image.rgba, image.width, image.height);
    if (scale === 1) return context.putImageData(pixels, 0, 0);
    const whole = document.createElement("canvas");
    whole.width = image.width;
    whole.height = image.height;
    whole.getContext("2d")?.putImageData(pixels, 0, 0);
    context.imageSmoothingQuality = "high";
    context.imageSmoothingEnabled = !Number.isInteger(scale);
    context.drawImage(whole, 0, 0, canvas.width, canvas.height);
  }

  /**
   * Give the browser's pointer the guest's shape.
   * @param {CursorImage} image
   * @param {number} scale CSS pixels per guest pixel
   */
  #dress(image, scale) {
    const hot = [image.hotX, image.hotY].map((at) => Math.floor(at * scale)).join(" ");
    const canvas = document.createElement("canvas");
    this.#draw(image, scale, canvas);
    this.#stage.style.cursor = `url(${canvas.toDataURL()}) ${hot}, default`;
    if (devicePixelRatio === 1) return;
    // A sharper image for screens with more pixels. Browsers that do not support image-set here keep the one above.
    this.#draw(image, scale * devicePixelRatio, canvas);
    this.#stage.style.cursor = `image-set(url(${canvas.toDataURL()}) ${devicePixelRatio}x) ${hot}, default`;
  }

  #position() {
    const image = this.#image;
    const at = this.#drawn ? this.#at : this.#mouse;
    this.#overlay.hidden = !image || !at || !this.#overlaid;
    if (!image || !at || !this.#overlaid) return;
    const [x, y] = [(at.x - image.hotX) * this.#scale, (at.y - image.hotY) * this.#scale];
    this.#overlay.style.width = `${image.width * this.#scale}px`;
    this.#overlay.style.height = `${image.height * this.#scale}px`;
    this.#overlay.style.transform = `translate(${x}px, ${y}px)`;
  }
}
