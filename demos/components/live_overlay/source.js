// Where frames come from: the camera or a video file of the visitor's, both played in one <video>.
const NO_FRAME_MS = 4000;
const REFUSALS = {
  NotAllowedError: "The camera was refused: allow it for this page in the browser's address bar, then start again.",
  NotFoundError: "No camera was found: connect one and start again, or use a picture.",
  OverconstrainedError: "No camera was found: connect one and start again, or use a picture.",
  NotReadableError: "The camera is in use by another program: close that one and start again.",
};

async function openCamera(deviceId) {
  if (!navigator.mediaDevices?.getUserMedia)
    throw new Error("The browser gives the camera only to pages served over https or from this computer.");
  const wanted = { width: { ideal: 640 }, height: { ideal: 480 }, ...(deviceId ? { deviceId: { exact: deviceId } } : {}) };
  try {
    return await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (problem) {
    throw new Error(REFUSALS[problem.name] || "The camera could not be opened: start again, or use a picture.");
  }
}

async function listCameras(select, current) {
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  select.replaceChildren(
    ...cameras.map(({ deviceId, label }, index) => new Option(label || `Camera ${index + 1}`, deviceId, false, deviceId === current)),
  );
  return cameras.length;
}

function openFile(video, file) {
  const address = URL.createObjectURL(file);
  return new Promise((done, fail) => {
    const refuse = (sentence) => {
      closeFile(video, address);
      fail(new Error(sentence));
    };
    video.onerror = () =>
      refuse("The browser cannot play this file: use a video as MP4 (H.264) or WebM, or the page for video files.");
    video.onloadeddata = () => (video.videoWidth ? done(address) : refuse("This file has sound but no pictures."));
    video.src = address;
  });
}

function closeFile(video, address) {
  video.onerror = video.onloadeddata = null;
  video.removeAttribute("src");
  video.load();
  URL.revokeObjectURL(address);
}

// Calls back with (time of the frame on the page's clock in ms, seconds of the video) when a new frame is shown.
function onNextFrame(video, callback) {
  if (video.requestVideoFrameCallback)
    video.requestVideoFrameCallback((now, { captureTime, mediaTime }) => callback(captureTime ?? now, mediaTime));
  else requestAnimationFrame((now) => callback(now, video.currentTime));
}

function captureFrame(video, canvas, longest) {
  const scale = Math.min(1, longest / Math.max(video.videoWidth, video.videoHeight));
  const [width, height] = [video.videoWidth, video.videoHeight].map((side) => Math.max(1, Math.round(side * scale)));
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d", { alpha: false }).drawImage(video, 0, 0, width, height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
}
