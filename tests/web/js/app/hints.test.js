import assert from "node:assert/strict";
import { test } from "node:test";

import { lackingHint, pointerHint, unknownHint } from "../../../../web/app/hints.js";

test("how a relative pointer is moved depends on what there is", () => {
  assert.match(pointerHint({ lockable: true, fingers: false }), /^Click the picture/);
  assert.match(pointerHint({ lockable: true, fingers: true }), /^Drag a finger/);
  assert.match(pointerHint({ lockable: false, fingers: true }), /^Drag a finger/);
  assert.match(pointerHint({ lockable: false, fingers: false }), /^Move the mouse/);
});

test("what could not be typed or sent is named, where it has a name", () => {
  assert.match(lackingHint("é"), /“é” was not typed/);
  assert.match(unknownHint("LaunchControlPanel"), /“LaunchControlPanel”/);
  assert.doesNotMatch(unknownHint("Unidentified"), /“/);
});
