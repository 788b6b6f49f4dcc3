// @ts-check
/** Decodes one console's pictures by WebCodecs, each as soon as it comes. */

import { codecOf } from "./webcodecs.js";

/** @typedef {import("./stream-protocol.js").EncodedPicture} EncodedPicture */

/** While the picture cannot be decoded, a keyframe is asked for this often. */
const ASK_EVERY_MS = 500;
/** With more than this many pictures to decode, the browser is too slow: no more is acknowledged for now. */
const QUEUE_MAX = 3;
const TICKS_PER_MS = 90;

export class PictureDecoder {
  /** Called with each picture, which is the callee's to close. @type {((frame: VideoFrame) => void) | null} */
  onframe = null;

  #totals = { framesReceived: 0, framesDecoded: 0, keyFramesDecoded: 0, bytesReceived: 0 };
  /** From arrival to the decoded picture, of all together. */
  #decodeMs = 0;
  #width = 0;
  #height = 0;
  /** @type {import("./stream-protocol.js").FormatName | null} */
  #format = null;
  #wantKeyframe;
  /** @type {VideoDecoder | null} */
  #decoder = null;
  #codec = "";
  /** When each picture came that is being decoded, by its timestamp in µs. @type {Map<number, number>} */
  #arrived = new Map();
  /** Until it is asked again. @type {ReturnType<typeof setTimeout> | undefined} */
  #asking;
  #closed = false;
  /** @type {(() => void)[]} */
  #waiting = [];

  /** @param {() => void} wantKeyframe asks the server for one */
  constructor(wantKeyframe) {
    this.#wantKeyframe = wantKeyframe;
  }

  /** @param {EncodedPicture} picture */
  decode(picture) {
    if (this.#closed) return;
    this.#totals.framesReceived += 1;
    this.#totals.bytesReceived += picture.data.length;
    if (picture.keyframe) this.#configure(picture);
    if (!this.#decoder) {
      this.#ask();
      return;
    }
    const timestamp = Math.round((picture.timestamp * 1000) / TICKS_PER_MS);
    const type = picture.keyframe ? "key" : "delta";
    this.#arrived.set(timestamp, performance.now());
    try {
      this.#decoder.decode(new EncodedVideoChunk({ type, timestamp, data: picture.data }));
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (picture.keyframe) this.#totals.keyFramesDecoded += 1;
  }

  /** @returns {import("./measure.js").Reading | null} null before the first picture */
  reading() {
    if (!this.#format) return null;
    const [codec, full] = this.#format.split("_");
    return {
      at: performance.now(),
      codec: `${codec === "H264" ? "H.264" : codec} ${full ? "4:4:4" : "4:2:0"}`,
      width: this.#width,
      height: this.#height,
      ...this.#totals,
      framesDropped: 0,
      packetsReceived: 0,
      packetsLost: 0,
      decodeMs: this.#decodeMs,
      jitterBufferMs: 0,
      jitterBufferFrames: 0,
      processingMs: this.#decodeMs,
      roundTripMs: null,
      decoder: "WebCodecs",
      path: "WebSocket: through the portal",
      pathReason: "",
    };
  }

  /** @param {() => void} then called once the browser keeps up */
  whenReady(then) {
    if (this.#keepsUp) then();
    else this.#waiting.push(then);
  }

  /** Let go of the decoder. Idempotent. */
  close() {
    this.#closed = true;
    this.onframe = null;
    clearTimeout(this.#asking);
    this.#drop();
  }

  get #keepsUp() {
    return !this.#decoder || this.#decoder.decodeQueueSize <= QUEUE_MAX;
  }

  /** @param {EncodedPicture} picture a keyframe: the decoder is made for it, unless the one before fits */
  #configure(picture) {
    this.#format = picture.format;
    const codec = codecOf(picture);
    const same = codec === this.#codec && picture.width === this.#width && picture.height === this.#height;
    if (this.#decoder && same) return;
    this.#drop();
    [this.#codec, this.#width, this.#height] = [codec, picture.width, picture.height];
    const decoder = new VideoDecoder({
      output: (frame) => {
        if (decoder === this.#decoder) this.#show(frame);
        else frame.close();
      },
      error: (error) => {
        if (decoder === this.#decoder) this.#fail(error);
      },
    });
    decoder.addEventListener("dequeue", () => this.#release());
    try {
      decoder.configure({ codec, codedWidth: this.#width, codedHeight: this.#height, optimizeForLatency: true });
      this.#decoder = decoder;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {VideoFrame} frame */
  #show(frame) {
    this.#totals.framesDecoded += 1;
    const arrived = this.#arrived.get(frame.timestamp);
    if (arrived !== undefined) this.#decodeMs += performance.now() - arrived;
    // Pictures come out in order: what is older was left out by the decoder.
    for (const timestamp of this.#arrived.keys()) {
      this.#arrived.delete(timestamp);
      if (timestamp === frame.timestamp) break;
    }
    if (this.onframe) this.onframe(frame);
    else frame.close();
    // Not every browser tells that its queue got shorter.
    this.#release();
  }

  /** @param {unknown} error */
  #fail(error) {
    console.warn("a picture could not be decoded:", error);
    this.#drop();
    this.#ask();
  }

  /** Ask for a keyframe, again and again until there is one. */
  #ask() {
    if (this.#asking || this.#closed) return;
    this.#wantKeyframe();
    this.#asking = setTimeout(() => {
      this.#asking = undefined;
      if (!this.#decoder) this.#ask();
    }, ASK_EVERY_MS);
  }

  #drop() {
    const decoder = this.#decoder;
    this.#decoder = null;
    this.#codec = "";
    this.#arrived.clear();
    if (decoder && decoder.state !== "closed") decoder.close();
    this.#release();
  }

  #release() {
    if (!this.#keepsUp) return;
    for (const then of this.#waiting.splice(0)) then();
  }
}
