// @ts-check
/** What this browser decodes outside of WebRTC (WebCodecs), and what each picture's codec is called there. */

import { whyNoWebCodecs } from "./webrtc-memory.js";

/** @typedef {import("./stream-protocol.js").FormatName} FormatName */

/** One codec of each format, to ask the browser for; the level is that of 1080p. @type {[FormatName, string][]} */
const EXAMPLES = [
  ["H264_444", "avc1.F40028"],
  ["H264", "avc1.42E028"],
  ["VP9_444", "vp09.01.40.08.03"],
  ["VP9", "vp09.00.40.08"],
  ["VP8", "vp8"],
];

/** @type {Promise<FormatName[]> | null} */
let known = null;

/** @returns {Promise<FormatName[]>} the formats that this browser decodes; none where it has no WebCodecs */
export function decodableFormats() {
  known ??= ask();
  return known;
}

async function ask() {
  if (whyNoWebCodecs()) return [];
  /** @type {FormatName[]} */
  const formats = [];
  await Promise.all(
    EXAMPLES.map(async ([format, codec]) => {
      try {
        const { supported } = await VideoDecoder.isConfigSupported({ codec });
        if (supported) formats.push(format);
      } catch {
        // A codec of which the browser has not even heard.
      }
    }),
  );
  return formats;
}

/**
 * The codec of a keyframe, as `VideoDecoder.configure()` takes it. H.264's is in the picture itself: the three bytes
 * after the header of its sequence parameter set (ISO/IEC 14496-15, "avc1.PPCCLL").
 * @param {import("./stream-protocol.js").EncodedPicture} picture
 * @returns {string}
 */
export function codecOf({ format, data }) {
  if (format === "H264" || format === "H264_444") {
    for (let at = 0; at + 6 < data.length; at++) {
      const begins = data[at] === 0 && data[at + 1] === 0 && data[at + 2] === 1;
      if (begins && (data[at + 3] & 0x1f) === 7) {
        const bytes = [...data.subarray(at + 4, at + 7)];
        return `avc1.${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
      }
    }
  }
  return EXAMPLES.find(([name]) => name === format)?.[1] ?? "";
}
