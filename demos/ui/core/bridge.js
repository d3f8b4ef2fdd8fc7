// The chosen token, told on to the components that still listen for a document event, and back. Goes with the last of them.

import { follow, share } from "./shared.js";

const EVENT = "glassbox-token";
let telling = false;

/** @param {() => void} tell */
const once = (tell) => {
  if (telling) return;
  telling = true;
  try {
    tell();
  } finally {
    telling = false;
  }
};

document.addEventListener(EVENT, (event) => once(() => share("token", /** @type {CustomEvent} */ (event).detail)));
follow("token", document.documentElement, (detail) =>
  once(() => document.dispatchEvent(new CustomEvent(EVENT, { detail }))),
);
