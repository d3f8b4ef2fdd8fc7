// What several views of one run share: the chosen token, the picture, a threshold. A value by name; whoever sets it tells
// all who follow, itself too. Documented here, as it is the only way in which components know of each other:
//
//   token       { run, token }  the token or patch chosen in any view of a run
//   looking     { run, layer, head, token }  the head chosen in a run over patches, and the token that looks
//   detection   the picture, boxes and scores of the run that "Why this box?" shows
//   frame       a frame of live video to teach, as base64 of a JPEG; null once it is taken
//   still       a frame of the example clip with its boxes, which the live page shows before there is a video
//   threshold   least score of a box that is shown, 0 to 1
//   cell        the cell as it was at the last character typed on "Next character"
//   strength    how strong the damage is that "Break it" shows, 0 to 1
//   painted     what is painted over its picture, as it is sent
//   arrived     name of a model that has arrived from the hub

/** @type {Map<string, { value: any, followers: Set<(value: any) => void> }>} */
const values = new Map();

/** @param {string} name */
const entry = (name) => values.get(name) ?? values.set(name, { value: undefined, followers: new Set() }).get(name);

/** @param {string} name @param {any} value */
export function share(name, value) {
  const shared = /** @type {any} */ (entry(name));
  shared.value = value;
  for (const follow of [...shared.followers]) follow(value);
}

/** The value of that name, undefined before any was set. @param {string} name @returns {any} */
export const shared = (name) => entry(name)?.value;

/**
 * Calls `act` with every new value while `root` is on the page; returns how to stop it.
 * @param {string} name @param {HTMLElement} root @param {(value: any) => void} act
 */
export function follow(name, root, act) {
  const followers = /** @type {any} */ (entry(name)).followers;
  /** @param {any} value */
  const told = (value) => (root.isConnected ? act(value) : followers.delete(told));
  followers.add(told);
  return () => followers.delete(told);
}
