// The webcam in a <video>, and pictures from it or from files as small JPEGs in base64. A <video> of class `wc-video`
// shows the square that `squareJpeg` takes, and nothing mirrored: what is shown is what is read.

import { styleOf } from "../core/style.js";

styleOf(import.meta.url);

const SQUARE = 256;
const JPEG_QUALITY = 0.85;
const MAX_FILE_BYTES = 20 * 2 ** 20;
const MOST_ELONGATED = 20;
const NONE = "No camera was found: connect one and start again, or use pictures.";
/** @type {Record<string, string>} */
const REFUSALS = {
  NotAllowedError: "The camera was refused: allow it for this page in the browser's address bar, then start again.",
  NotFoundError: NONE,
  OverconstrainedError: NONE,
  NotReadableError: "The camera is in use by another program: close that one and start again.",
};

/** @typedef {"off" | "starting" | "on" | "error"} CameraState */

/**
 * A camera's stream. Throws an Error with a sentence for the visitor where there is none to be had.
 * @param {string} [deviceId] @returns {Promise<MediaStream>}
 */
export async function openCamera(deviceId) {
  if (!navigator.mediaDevices?.getUserMedia)
    throw new Error("The browser gives the camera only to pages served over https or from this computer.");
  const device = deviceId ? { deviceId: { exact: deviceId } } : {};
  try {
    return await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 }, ...device },
      audio: false,
    });
  } catch (problem) {
    const name = problem instanceof DOMException ? problem.name : "";
    throw new Error(REFUSALS[name] ?? "The camera could not be opened: start again, or use pictures.");
  }
}

/** Switches a camera off. @param {MediaStream | null} stream */
export function closeCamera(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/**
 * Calls `act(reason)` when the page is hidden, or when the tab that `node` is on is left (not merely scrolled away).
 * @param {HTMLElement} node @param {(reason: string) => void} act
 */
export function onLeave(node, act) {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) act("because the page was hidden");
  });
  new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting && node.offsetParent === null) act("because the tab was left");
  }).observe(node);
}

/** The webcam, shown in a <video>. It stops when the page is hidden and when the tab is left. */
export class Webcam {
  /** @type {MediaStream | null} */ #stream = null;
  #run = 0; // counts starts and stops: a camera that opens after a stop is closed again

  /**
   * @param {HTMLVideoElement} video
   * @param {(sentence: string, state: CameraState) => void} say  hears of every change
   */
  constructor(video, say) {
    this.video = video;
    this.say = say;
    onLeave(video, (reason) => {
      if (this.#stream) this.stop(`The camera was stopped ${reason}.`);
    });
  }

  get on() {
    return this.#stream !== null;
  }

  /** @param {string} [sentence] @param {CameraState} [state] */
  stop(sentence = "The camera is off.", state = "off") {
    this.#run += 1;
    closeCamera(this.#stream);
    this.#stream = null;
    this.video.srcObject = null;
    this.say(sentence, state);
  }

  /** @returns {Promise<boolean>} whether the camera is on */
  async start() {
    if (this.#stream) return true;
    this.#run += 1;
    const mine = this.#run;
    this.say("Waiting for the camera.", "starting");
    try {
      const opened = await openCamera();
      if (mine !== this.#run) {
        closeCamera(opened);
        return false;
      }
      await this.#play(opened);
    } catch (problem) {
      if (mine === this.#run) this.stop(/** @type {Error} */ (problem).message, "error");
      return false;
    }
    if (mine !== this.#run) return false;
    this.say("The camera is on.", "on");
    return true;
  }

  /** @param {MediaStream} stream */
  async #play(stream) {
    this.#stream = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      if (stream === this.#stream) this.stop("The camera was lost: connect it and start again.", "error");
    });
    this.video.srcObject = stream;
    await this.video.play();
  }
}

/**
 * A picture that a visitor chose. Throws an Error with a sentence for what cannot be opened.
 * @param {File} file @returns {Promise<ImageBitmap>}
 */
export async function pictureOf(file) {
  if (file.size > MAX_FILE_BYTES) throw new Error(`${file.name} has more than 20 MB.`);
  const picture = await createImageBitmap(file).catch(() => {
    throw new Error(
      `${file.name || "The file"} is not a picture that this browser can open: use PNG, JPEG, WebP, GIF, AVIF or BMP.`,
    );
  });
  const [short, long] = [Math.min(picture.width, picture.height), Math.max(picture.width, picture.height)];
  if (long > MOST_ELONGATED * short) throw new Error(`${file.name} is too long and thin, at most 20 to 1.`);
  return picture;
}

/**
 * A whole picture as a JPEG in base64, its longest side at most `longest` pixels.
 * @param {CanvasImageSource} source @param {number} width @param {number} height @param {number} longest
 */
export function jpegOf(source, width, height, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  return jpeg(across, down, (context) => context.drawImage(source, 0, 0, across, down));
}

/**
 * The middle square of a picture as a JPEG of 256 x 256 pixels in base64; pixel art stays sharp.
 * @param {CanvasImageSource} source @param {number} width @param {number} height
 */
export function squareJpeg(source, width, height) {
  const side = Math.min(width, height);
  return jpeg(SQUARE, SQUARE, (context) => {
    context.imageSmoothingQuality = "high";
    context.imageSmoothingEnabled = side > SQUARE / 2;
    context.drawImage(source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SQUARE, SQUARE);
  });
}

/** @param {number} width @param {number} height @param {(context: CanvasRenderingContext2D) => void} draw */
function jpeg(width, height, draw) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  draw(context);
  return canvas.toDataURL("image/jpeg", JPEG_QUALITY).split(",")[1];
}
