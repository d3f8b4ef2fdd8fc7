// Frames of a <video>, whether it shows the camera or a file of the visitor's.

import { contextOf } from "../core/canvas.js";

const JPEG_QUALITY = 0.85;
const UNPLAYABLE =
  "The browser cannot play this file: use a video as MP4 (H.264) or WebM, or the page for video files.";

/**
 * Shows a file; resolves when its first picture is there. Throws an Error with a sentence where it has none.
 * @param {HTMLVideoElement} video @param {Blob} file @returns {Promise<string>} its address, for `closeFile`
 */
export function openFile(video, file) {
  const address = URL.createObjectURL(file);
  return new Promise((resolve, reject) => {
    /** @param {string} sentence */
    const refuse = (sentence) => {
      closeFile(video, address);
      reject(new Error(sentence));
    };
    video.onerror = () => refuse(UNPLAYABLE);
    video.onloadeddata = () => (video.videoWidth ? resolve(address) : refuse("This file has sound but no pictures."));
    video.src = address;
  });
}

/** @param {HTMLVideoElement} video @param {string} address */
export function closeFile(video, address) {
  video.onerror = video.onloadeddata = null;
  video.removeAttribute("src");
  video.load();
  URL.revokeObjectURL(address);
}

/**
 * Fills a list with the cameras there are; returns how many.
 * @param {HTMLSelectElement} select @param {string | undefined} current  the chosen one's id
 */
export async function listCameras(select, current) {
  const devices = await navigator.mediaDevices.enumerateDevices();
  const cameras = devices.filter(({ kind }) => kind === "videoinput");
  const options = cameras.map(
    ({ deviceId, label }, index) => new Option(label || `Camera ${index + 1}`, deviceId, false, deviceId === current),
  );
  select.replaceChildren(...options);
  return cameras.length;
}

/** @typedef {{ shownAt: number, seconds: number }} Shown  time on the page's clock in ms, and seconds of the video */

/** Resolves when a new frame is shown. @param {HTMLVideoElement} video @returns {Promise<Shown>} */
export function nextFrame(video) {
  return new Promise((resolve) => {
    if ("requestVideoFrameCallback" in video)
      video.requestVideoFrameCallback((now, { captureTime, mediaTime }) =>
        resolve({ shownAt: captureTime ?? now, seconds: mediaTime }),
      );
    else
      requestAnimationFrame((now) =>
        resolve({ shownAt: now, seconds: /** @type {HTMLVideoElement} */ (video).currentTime }),
      );
  });
}

/**
 * The present frame as a JPEG, its longest side at most `longest` pixels; the canvas takes its shape.
 * @param {HTMLVideoElement} video @param {HTMLCanvasElement} canvas @param {number} longest @returns {Promise<Blob | null>}
 */
export function captureFrame(video, canvas, longest) {
  const { videoWidth, videoHeight } = video;
  const scale = Math.min(1, longest / Math.max(videoWidth, videoHeight));
  const [width, height] = [videoWidth, videoHeight].map((side) => Math.max(1, Math.round(side * scale)));
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  contextOf(canvas).drawImage(video, 0, 0, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
}
