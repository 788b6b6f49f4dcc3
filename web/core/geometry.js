// @ts-check
/**
 * Where the guest's picture lies on the page. Pure.
 * Three kinds of pixels: the guest's, those of the encoded video (padded to even dimensions, perhaps at a
 * half of the guest's resolution), and the page's CSS pixels.
 */

/** @typedef {import("./protocol.js").Size} Size */
/** @typedef {{x: number, y: number}} Point */
/** @typedef {{left: number, top: number, width: number, height: number}} Box in CSS pixels */
/**
 * @typedef {"fit" | "actual" | "whole"} Scaling fit: as large as there is room; actual: a guest pixel is a device
 *     pixel; whole: a whole number of them, as many as there is room for, where there is room for one
 */

/**
 * @typedef {object} Layout
 * @property {number} scale CSS pixels per guest pixel
 * @property {Box} screen the guest's picture within the stage
 * @property {Size} video the video element's size; what exceeds the screen is padding, to be clipped
 * @property {number} zoom how many times as large as the scaling says it is
 * @property {boolean} crisp a guest pixel covers a whole number of device pixels
 */

/** Factors by which a server may have made the picture smaller. */
const DOWNSAMPLES = [1, 2, 4];
/** The largest guest pixel of a picture that fingers have made larger, CSS pixels: a word then fills a phone. */
const LARGEST = 4;
/** So far beside the picture its edge is still meant, CSS pixels. */
const EDGE = 4;
/** CSS defines this many of its pixels as an inch. A guest that is told mm may enlarge its desktop accordingly. */
const CSS_PER_INCH = 96;
const MM_PER_INCH = 25.4;

/**
 * @param {Size} guest
 * @param {Size} encoded
 * @returns {Size} the encoded picture's size in guest pixels, its padding included; the guest's own size
 *     where the two do not belong together (the video has not followed a resolution change yet)
 */
export function paddedSize(guest, encoded) {
  for (const factor of DOWNSAMPLES) {
    const width = encoded.width * factor;
    const height = encoded.height * factor;
    const spare = 2 * factor - 1;
    const matches = [width - guest.width, height - guest.height].every((extra) => extra >= 0 && extra <= spare);
    if (matches) return { width, height };
  }
  return guest;
}

/**
 * @param {Size} stage
 * @param {Size} guest
 * @param {Scaling} scaling fit or whole
 * @param {number} ratio
 * @returns {number} CSS pixels per guest pixel
 */
function fitting(stage, guest, scaling, ratio) {
  const scale = Math.min(stage.width / guest.width, stage.height / guest.height);
  const times = Math.round(scale * ratio);
  // A room that differs from the picture by less than a device pixel counts as exactly as large.
  const spare = [stage.width * ratio - guest.width * times, stage.height * ratio - guest.height * times];
  if (times >= 1 && Math.min(...spare) > -1 && Math.min(...spare.map(Math.abs)) < 1) return times / ratio;
  return scaling === "whole" && scale * ratio >= 1 ? Math.floor(scale * ratio) / ratio : scale;
}

/**
 * Firefox's protection against fingerprinting tells every page that there are two device pixels per CSS pixel, and that it is in
 * Iceland. What it counts in an element it still tells.
 * @param {number} told `devicePixelRatio`
 * @param {number} css an element's width in CSS pixels
 * @param {number | undefined} counted the same in device pixels, as the browser counts them
 * @param {string} timeZone as the browser tells it
 * @returns {number} device pixels per CSS pixel
 */
export function trueRatio(told, css, counted, timeZone) {
  const pretended = told === 2 && timeZone === "Atlantic/Reykjavik" && css > 0;
  return pretended && counted !== undefined ? counted / css : told;
}

/**
 * The size of a guest's picture that fills the stage with one guest pixel on each device pixel.
 * @param {Size} stage in CSS pixels
 * @param {Size} device the same in device pixels, as the browser counts them
 * @returns {import("./protocol.js").WindowSize}
 */
export function windowSize(stage, device) {
  const toMm = (/** @type {number} */ css) => Math.round((css * MM_PER_INCH) / CSS_PER_INCH);
  return { ...device, widthMm: toMm(stage.width), heightMm: toMm(stage.height) };
}

/**
 * @param {{stage: Size & {x?: number, y?: number}, guest: Size, encoded: Size, scaling: Scaling, ratio: number, zoom?: number}} given
 *     stage in CSS pixels, and where it lies on the page; ratio: device pixels per CSS pixel; zoom: how many times as large as the
 *     scaling says, as far as that makes sense
 * @returns {Layout}
 */
export function layOut({ stage, guest, encoded, scaling, ratio, zoom = 1 }) {
  const base = scaling === "actual" ? 1 / ratio : fitting(stage, guest, scaling, ratio);
  const limit = Math.max(1, LARGEST / base);
  const scale = base * Math.min(limit, Math.max(1, zoom));
  const padded = paddedSize(guest, encoded);
  const [width, height] = [guest.width * scale, guest.height * scale];
  // Aligned to a device pixel, or the whole picture is blurred by half a pixel.
  const centred = (/** @type {number} */ room, /** @type {number} */ at = 0) => {
    const edge = Math.ceil(at * ratio - 0.001);
    return Math.max(edge, Math.floor((at + room / 2) * ratio)) / ratio - at;
  };
  const perGuestPixel = scale * ratio;
  return {
    scale,
    zoom: scale / base,
    screen: { left: centred(stage.width - width, stage.x), top: centred(stage.height - height, stage.y), width, height },
    video: { width: padded.width * scale, height: padded.height * scale },
    crisp: perGuestPixel >= 0.99 && Math.abs(perGuestPixel - Math.round(perGuestPixel)) < 0.002,
  };
}

/**
 * @param {Point} at client coordinates
 * @param {Box} screen the picture's bounding box, in client coordinates
 * @param {Size} guest
 * @returns {Point} the guest pixel there; the nearest one where the point is outside
 */
export function toGuest(at, screen, guest) {
  const map = (/** @type {number} */ offset, /** @type {number} */ extent, /** @type {number} */ pixels) => {
    // Multiplied first: 410 / 800 * 800 is less than 410.
    const pixel = extent > 0 ? Math.floor((offset * pixels) / extent) : 0;
    return Math.min(pixels - 1, Math.max(0, pixel));
  };
  return {
    x: map(at.x - screen.left, screen.width, guest.width),
    y: map(at.y - screen.top, screen.height, guest.height),
  };
}

/**
 * @param {Point} at client coordinates
 * @param {Box} screen the picture's bounding box, in client coordinates; empty before there is a picture
 * @returns {boolean} whether a press there is meant for the guest
 */
export function isInside(at, screen) {
  if (!screen.width || !screen.height) return true;
  const within = (/** @type {number} */ offset, /** @type {number} */ extent) => offset >= -EDGE && offset < extent + EDGE;
  return within(at.x - screen.left, screen.width) && within(at.y - screen.top, screen.height);
}
