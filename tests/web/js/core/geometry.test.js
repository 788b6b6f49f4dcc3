// Where the picture lies, and which guest pixel a point on the page is.
import assert from "node:assert/strict";
import { test } from "node:test";

import { isInside, layOut, paddedSize, toGuest, trueRatio, windowSize } from "../../../../web/core/geometry.js";

const size = (width, height) => ({ width, height });

function near(found, expected, within = 1e-6, message = "") {
  assert.ok(Math.abs(found - expected) <= within, `${message}: ${found} is not ${expected}`);
}

function laidOut(given) {
  const all = { stage: size(1280, 720), guest: size(640, 480), scaling: "fit", ratio: 1, ...given };
  return layOut({ encoded: all.guest, ...all });
}

test("padding is told from the picture", () => {
  for (const [guest, encoded, padded] of [
    [size(1024, 768), size(1024, 768), size(1024, 768)],
    [size(1023, 767), size(1024, 768), size(1024, 768)],
    [size(1920, 1080), size(960, 540), size(1920, 1080)],
    [size(1366, 767), size(684, 384), size(1368, 768)],
    // The video is still the old resolution's: stretched until it has followed.
    [size(1280, 1024), size(800, 600), size(1280, 1024)],
  ]) {
    assert.deepEqual(paddedSize(guest, encoded), padded);
  }
});

test("padding lies outside of the screen", () => {
  const layout = laidOut({ guest: size(639, 479), encoded: size(640, 480), scaling: "actual" });
  assert.deepEqual(size(layout.screen.width, layout.screen.height), size(639, 479));
  assert.deepEqual(layout.video, size(640, 480));
});

test("fit centres, and only whole multiples are crisp", () => {
  const layout = laidOut({});
  assert.equal(layout.scale, 1.5);
  assert.deepEqual(layout.screen, { left: 160, top: 0, width: 960, height: 720 });
  for (const [stage, crisp] of [[size(1280, 960), true], [size(1000, 750), false], [size(320, 240), false]]) {
    assert.equal(laidOut({ stage }).crisp, crisp, JSON.stringify(stage));
  }
});

test("actual is a device pixel for each of the guest's", () => {
  for (const ratio of [1, 1.25, 2, 3]) {
    const { screen, crisp } = laidOut({ scaling: "actual", ratio });
    near(screen.width * ratio, 640);
    near(screen.left * ratio, Math.round(screen.left * ratio), 1e-6, "not on a device pixel's edge");
    assert.equal(crisp, true);
  }
  const { screen } = laidOut({ guest: size(1920, 1080), scaling: "actual" });
  assert.ok(screen.left === 0 && screen.top === 0);
});

test("a picture of the room's size is crisp at every zoom", () => {
  // Edges on whole CSS pixels: the room is no whole number of device pixels.
  const stage = size(1001, 613);
  for (const ratio of [1, 1.1, 1.25, 1.5, 2]) {
    for (const round of [Math.floor, Math.ceil]) {
      const guest = size(round(1001 * ratio), Math.floor(613 * ratio));
      const { scale, crisp, screen } = laidOut({ stage, guest, ratio });
      near(scale * ratio, 1, 1e-9, `${ratio}`);
      assert.ok(crisp && screen.left === 0 && screen.top === 0, `${ratio}`);
    }
  }
});

test("a stage between device pixels shows its picture on them", () => {
  for (const [x, ratio, width] of [[640.5, 1, 639], [640.5, 1, 640], [533.4, 1.25, 600], [320.25, 2, 800]]) {
    const stage = { x, y: 44, ...size(639.5, 600) };
    const { screen } = laidOut({ stage, guest: size(width, 480), scaling: "actual", ratio });
    const left = (x + screen.left) * ratio;
    near(left, Math.round(left), 1e-6, `${x} ${ratio}`);
    assert.ok(screen.left >= 0);
  }
});

test("whole multiples are crisp where there is room for one", () => {
  for (const [stage, ratio, expected] of [
    [size(1300, 980), 1, 2],
    [size(1300, 980), 2, 2],
    [size(1300, 980), 1.25, 1.6],
    [size(700, 500), 1, 1],
  ]) {
    const { scale, crisp } = laidOut({ stage, scaling: "whole", ratio });
    near(scale, expected);
    assert.equal(crisp, true);
  }
  assert.equal(laidOut({ stage: size(320, 480), scaling: "whole" }).scale, 0.5);
});

test("a window is measured in the device's pixels", () => {
  const found = windowSize(size(960, 540), size(1920, 1080));
  assert.deepEqual(found, { width: 1920, height: 1080, widthMm: 254, heightMm: 143 });
});

test("points map to guest pixels, from outside to the nearest", () => {
  const screen = { left: 160, top: 10, width: 960, height: 720 };
  for (const [x, y, pixel] of [
    [160, 10, { x: 0, y: 0 }],
    [161.4, 11.4, { x: 0, y: 0 }],
    [161.6, 11.6, { x: 1, y: 1 }],
    [1119.9, 729.9, { x: 639, y: 479 }],
    [0, 0, { x: 0, y: 0 }],
    [5000, 400, { x: 639, y: 260 }],
  ]) {
    assert.deepEqual(toGuest({ x, y }, screen, size(640, 480)), pixel);
  }
  assert.deepEqual(toGuest({ x: 5, y: 5 }, { left: 0, top: 0, width: 0, height: 0 }, size(640, 480)), { x: 0, y: 0 });
});

test("a ratio that the browser only pretends is not believed", () => {
  // Firefox with resistFingerprinting, at a ratio of 1 and of 1.25.
  assert.equal(trueRatio(2, 800, 800, "Atlantic/Reykjavik"), 1);
  assert.equal(trueRatio(2, 800, 1000, "Atlantic/Reykjavik"), 1.25);
  // Screens that have two, in Iceland as well.
  assert.equal(trueRatio(2, 800, 1600, "Atlantic/Reykjavik"), 2);
  assert.equal(trueRatio(2, 800, 1600, "Europe/Berlin"), 2);
  // Developer tools that emulate a screen do not count its pixels.
  assert.equal(trueRatio(2, 800, 800, "Europe/Berlin"), 2);
  // Nothing is counted in a hidden element, nor by every browser.
  assert.equal(trueRatio(2, 0, 0, "Atlantic/Reykjavik"), 2);
  assert.equal(trueRatio(2, 800, undefined, "Atlantic/Reykjavik"), 2);
});

test("fingers make the picture larger, up to four pixels for each of the guest's, and never smaller than it fits", () => {
  const phone = { stage: size(400, 700), guest: size(1600, 900) };
  near(laidOut(phone).scale, 0.25);
  for (const [zoom, scale] of [[2, 0.5], [4, 1], [100, 4], [0.5, 0.25]]) {
    const layout = laidOut({ ...phone, zoom });
    near(layout.scale, scale);
    near(layout.zoom, scale / 0.25);
  }
  // Larger than its room it begins at the edge, and is scrolled.
  const { screen } = laidOut({ ...phone, zoom: 8 });
  assert.deepEqual([screen.left + 0, screen.top + 0, screen.width, screen.height], [0, 0, 3200, 1800]);
  near(laidOut({ stage: size(4000, 3000), guest: size(400, 300), zoom: 2 }).scale, 10);
});

test("a press is meant for the guest on the picture and at its very edge", () => {
  const screen = { left: 100, top: 50, width: 640, height: 480 };
  for (const [x, y, inside] of [
    [100, 50, true],
    [739, 529, true],
    [97, 300, true],
    [743, 300, true],
    [90, 300, false],
    [745, 300, false],
    [400, 40, false],
    [400, 540, false],
  ]) {
    assert.equal(isInside({ x, y }, screen), inside, `${x},${y}`);
  }
  assert.equal(isInside({ x: 5, y: 5 }, { left: 0, top: 0, width: 0, height: 0 }), true, "before there is a picture");
});

test("at 1:1 every CSS pixel is its own guest pixel", () => {
  for (const size of [768, 800, 1080, 1366, 1440]) {
    const screen = { left: 7, top: 44, width: size, height: size };
    for (let at = 0; at < size; at += 1) {
      const there = toGuest({ x: 7 + at, y: 44 + at }, screen, { width: size, height: size });
      assert.deepEqual(there, { x: at, y: at });
    }
  }
});
