// Arrays and pictures of a view. They travel beside it: a view holds handles, their bytes are fetched once when needed.

/** @typedef {{ dtype: string, shape: number[], array?: string, data?: string, low?: number, step?: number }} ArrayHandle */
/** @typedef {Float32Array | Uint8Array | Uint16Array | Int8Array | Int32Array} Numbers */
/** @typedef {{ data: Numbers, shape: number[] }} NumericArray */

/** @type {Map<string, Promise<ArrayBuffer>>} */
const fetched = new Map();
const KEPT = 64;

/**
 * The numbers behind a handle, in row-major order. float16 and steps8 come as Float32Array.
 * Throws an Error with a sentence where they are no longer kept.
 * @param {ArrayHandle} handle @returns {Promise<NumericArray>}
 */
export async function load(handle) {
  const buffer =
    handle.data === undefined ? await fetchOnce(/** @type {string} */ (handle.array)) : bytesOf(handle.data).buffer;
  return { data: decoded(handle, buffer), shape: handle.shape };
}

/** Where a picture of a view is found: what Python calls `picture`. @param {string} picture */
export const address = (picture) =>
  /^(data|blob|https?):/.test(picture) ? picture : new URL(picture, document.baseURI).href;

/** A picture, decoded. @param {string} picture @returns {Promise<HTMLImageElement>} */
export async function image(picture) {
  const node = new Image();
  node.src = address(picture);
  try {
    await node.decode();
  } catch {
    throw new Error("The picture of this view is no longer kept here: run it again.");
  }
  return node;
}

/** The file of a picture, to be kept by the view. @param {string} picture @returns {Promise<Blob>} */
export const file = async (picture) => (await ask(address(picture))).blob();

/** @param {string} name @returns {Promise<ArrayBuffer>} */
function fetchOnce(name) {
  const known = fetched.get(name);
  if (known) return known;
  const asked = ask(new URL(`arrays/${name}`, document.baseURI).href).then((answer) => answer.arrayBuffer());
  fetched.set(name, asked);
  asked.catch(() => fetched.delete(name));
  if (fetched.size > KEPT) fetched.delete(/** @type {string} */ (fetched.keys().next().value));
  return asked;
}

/** @param {string} href */
async function ask(href) {
  const answer = await fetch(href).catch(() => null);
  if (!answer) throw new Error("The server cannot be reached: run it again when the connection is back.");
  if (!answer.ok)
    throw new Error(
      (await answer.json().catch(() => ({}))).error ?? "What this view shows could not be fetched: run it again.",
    );
  return answer;
}

/** Bytes of a base64 text. @param {string} text */
export const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** Bytes as a base64 text, to send them. @param {Uint8Array | Uint8ClampedArray} bytes */
export const textOf = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** @param {ArrayHandle} handle @param {ArrayBufferLike} buffer @returns {Numbers} */
function decoded({ dtype, low = 0, step = 1 }, buffer) {
  if (dtype === "float32") return new Float32Array(buffer);
  if (dtype === "float16") return Float32Array.from(new Uint16Array(buffer), halfFloat);
  if (dtype === "steps8") return Float32Array.from(new Uint8Array(buffer), (index) => low + index * step);
  if (dtype === "uint16") return joinBytes(new Uint8Array(buffer));
  if (dtype === "int8") return new Int8Array(buffer);
  if (dtype === "int32") return new Int32Array(buffer);
  return new Uint8Array(buffer);
}

/** Numbers whose low bytes come first, then their high bytes. @param {Uint8Array} bytes */
function joinBytes(bytes) {
  const count = bytes.length / 2;
  return Uint16Array.from({ length: count }, (_, index) => bytes[index] + 256 * bytes[count + index]);
}

/** IEEE 754 half precision. @param {number} bits */
export function halfFloat(bits) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * A part of an array along its first axes, without copying: `part(a, 3, 1)` of `[layers, heads, T, T]` is one head's map.
 * @param {NumericArray} array @param {...number} indices @returns {NumericArray}
 */
export function part({ data, shape }, ...indices) {
  const rest = shape.slice(indices.length);
  const size = rest.reduce((product, length) => product * length, 1);
  const place = indices.reduce((sum, index, axis) => sum * shape[axis] + index, 0);
  return { data: data.subarray(place * size, (place + 1) * size), shape: rest };
}

/** The largest size of any of the numbers, 0 for none. @param {ArrayLike<number>} numbers */
export function largestSize(numbers) {
  let most = 0;
  for (let index = 0; index < numbers.length; index++) most = Math.max(most, Math.abs(numbers[index]));
  return most;
}
