import assert from "node:assert/strict";
import { test } from "node:test";

import { isForTheVisitor } from "../../demos/ui/core/toasts.js";

test("what a browser refuses by itself is for the visitor, failures on our side are not", () => {
  assert.ok(isForTheVisitor("Error", "Error The picture has 25 MB; the limit is 20 MB."));
  assert.ok(isForTheVisitor(" Error ", "Please allow access to the webcam for recording."));
  assert.ok(isForTheVisitor("Error (2)", "Error (2) The picture is damaged. The picture is damaged."));
  assert.ok(!isForTheVisitor("Errors of rounding", "Errors of rounding"));
  assert.ok(!isForTheVisitor("Sorry", "Something went wrong on our side; the app goes on."));
  assert.ok(!isForTheVisitor("Error", "Connection to the server was lost."));
  assert.ok(!isForTheVisitor("Please check", "The text is empty: type a few words."));
});
