// Shows nothing: what the server gives it becomes a value that views share (`core/shared.js`), under the name `props.shares`.

import { share } from "../core/shared.js";

export const template = "";

export default class SharedValue {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ props }) {
    this.name = props.shares;
  }

  /** @param {any} value */
  show(value) {
    if (value) share(this.name, value);
  }
}
