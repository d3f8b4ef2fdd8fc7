// The webcam in a <video>, and the middle square of any picture as a JPEG of SQUARE x SQUARE pixels in base64.
// `webcam(video, say)` gives { start, stop, on }; `say(sentence, state)` hears of every change ("off", "starting", "on",
// "error"). The camera stops on `stop`, when the page is hidden and when the tab is left.
const SQUARE = 256;
const JPEG_QUALITY = 0.85;

const squareJpeg = (source, width, height) => {
  const side = Math.min(width, height);
  const canvas = Object.assign(document.createElement("canvas"), { width: SQUARE, height: SQUARE });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, SQUARE, SQUARE);
  context.imageSmoothingQuality = "high";
  context.imageSmoothingEnabled = side > SQUARE / 2; // pixel art stays sharp
  context.drawImage(source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SQUARE, SQUARE);
  return canvas.toDataURL("image/jpeg", JPEG_QUALITY).split(",")[1];
};

const squareOfFile = async (file) => {
  if (file.size > 20 * 2 ** 20) throw new Error(`${file.name} has more than 20 MB.`);
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name || "The file"} is not a picture that this browser can open: use PNG, JPEG, WebP or GIF.`);
  }
  const { width, height } = picture;
  if (Math.max(width, height) > 20 * Math.min(width, height)) throw new Error(`${file.name} is too long and thin, at most 20 to 1.`);
  const jpeg = squareJpeg(picture, width, height);
  picture.close();
  return jpeg;
};

const webcam = (video, say) => {
  const REFUSALS = {
    NotAllowedError: "The camera was refused: allow it for this page in the browser's address bar, then start again.",
    NotFoundError: "No camera was found: connect one and start again, or use pictures.",
    NotReadableError: "The camera is in use by another program: close that one and start again.",
  };
  let stream = null;
  let run = 0; // counts starts and stops: a camera that opens after a stop is closed again

  const stop = (sentence = "The camera is off.", state = "off") => {
    run += 1;
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    say(sentence, state);
  };
  const start = async () => {
    if (stream) return true;
    const mine = ++run;
    if (!navigator.mediaDevices?.getUserMedia) {
      say("The browser gives the camera only to pages served over https or from this computer.", "error");
      return false;
    }
    say("Waiting for the camera.", "starting");
    try {
      const opened = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 } }, audio: false });
      if (mine !== run) {
        opened.getTracks().forEach((track) => track.stop());
        return false;
      }
      stream = opened;
      opened.getVideoTracks()[0].addEventListener("ended", () => stream === opened && stop("The camera was lost: connect it and start again.", "error"));
      video.srcObject = opened;
      await video.play();
    } catch (problem) {
      if (mine === run) stop(REFUSALS[problem.name] || "The camera could not be opened: start again, or use pictures.", "error");
      return false;
    }
    if (mine !== run) return false;
    say("The camera is on.", "on");
    return true;
  };
  document.addEventListener("visibilitychange", () => document.hidden && stream && stop("The camera was stopped because the page was hidden."));
  new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting && video.offsetParent === null && stream) stop("The camera was stopped because the page was left.");
  }).observe(video);
  return { start, stop, on: () => stream !== null, frame: () => squareJpeg(video, video.videoWidth, video.videoHeight) };
};
