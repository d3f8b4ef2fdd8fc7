const live = element.querySelector(".live");
const part = (name) => live.querySelector(name);
const video = part("video");
const still = document.createElement("canvas");
const MAX_ANSWER_MS = 15000;
const BUSY_PAUSE_MS = 80;
let stream = null;
let run = 0; // counts starts and stops: an answer to an earlier run is ignored
let boxes = [];
let facts = null;
let answers = [];
let drawing = 0;

const REFUSALS = {
  NotAllowedError: "The camera was refused: allow it for this page in the browser's address bar, then start again.",
  NotFoundError: "No camera was found: connect one and start again, or use a picture.",
  NotReadableError: "The camera is in use by another program: close that one and start again.",
};

function say(text, state) {
  part(".message").textContent = text;
  if (state) live.dataset.state = state;
}

async function start() {
  if (stream) return;
  const mine = ++run;
  if (!navigator.mediaDevices?.getUserMedia) {
    say("The browser gives the camera only to pages served over https or from this computer.", "error");
    return;
  }
  part(".start").disabled = true;
  say("Waiting for the camera.", "starting");
  try {
    const wanted = { width: { ideal: 640 }, height: { ideal: 480 } };
    const opened = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    if (mine !== run) {
      opened.getTracks().forEach((track) => track.stop());
      return;
    }
    stream = opened;
    video.srcObject = stream;
    await video.play();
  } catch (problem) {
    if (mine !== run) return;
    stop(REFUSALS[problem.name] || "The camera could not be opened: start again, or use a picture.", "error");
    return;
  }
  if (mine !== run) return;
  part(".stop").disabled = false;
  part(".screen").style.aspectRatio = `${video.videoWidth || 4} / ${video.videoHeight || 3}`;
  say("Live: the model is loaded with the first frame.", "live");
  facts = null;
  answers = [];
  loop(mine);
}

function stop(text = "The camera is off.", state = "off") {
  run++;
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
  boxes = [];
  draw();
  part(".start").disabled = false;
  part(".stop").disabled = true;
  say(text, state);
}

function capture() {
  const scale = Math.min(1, 640 / Math.max(video.videoWidth, video.videoHeight));
  still.width = Math.round(video.videoWidth * scale);
  still.height = Math.round(video.videoHeight * scale);
  still.getContext("2d").drawImage(video, 0, 0, still.width, still.height);
  return still.toDataURL("image/jpeg", 0.8).split(",")[1];
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

function nextFrame() {
  const shown = new Promise((done) =>
    video.requestVideoFrameCallback ? video.requestVideoFrameCallback(done) : requestAnimationFrame(done),
  );
  return Promise.race([shown, pause(250)]);
}

async function ask(jpeg) {
  const request = { jpeg, model: props.value, facts: facts === null };
  const late = pause(MAX_ANSWER_MS).then(() => ({ late: true }));
  try {
    return await Promise.race([server.detect_frame(request), late]);
  } catch {
    return { error: "The server did not answer: it may have been restarted. Start again." };
  }
}

async function loop(mine) {
  while (mine === run) {
    await nextFrame();
    if (mine !== run) return;
    const begun = performance.now();
    const jpeg = capture();
    const captured = performance.now();
    const answer = await ask(jpeg);
    const answered = performance.now();
    if (mine !== run) return;
    if (answer.error) {
      stop(answer.error, "error");
    } else if (answer.busy || answer.late) {
      say(answer.busy ? "The model is busy with another visitor's frame; this one was dropped." : "Still waiting.");
      await pause(BUSY_PAUSE_MS);
    } else {
      show(answer, { capture: captured - begun, answered: answered - captured });
    }
  }
}

function show(answer, { capture, answered }) {
  boxes = answer.boxes;
  facts = answer.facts || facts;
  const begun = performance.now();
  draw();
  drawing = performance.now() - begun;
  answers = [...answers.slice(-30), performance.now()];
  const span = answers[answers.length - 1] - answers[0];
  live.dataset.answered = Number(live.dataset.answered || 0) + 1;
  live.dataset.boxes = above(boxes).length;
  const times = { capture, transfer: answered - answer.server_seconds * 1000, model: answer.seconds * 1000, drawing };
  const cells = [
    ...facts,
    ...Object.entries(times).map(([name, value]) => [name === "model" ? "model time" : name, `${milliseconds(value)} ms`]),
    ["frames", span ? `${(((answers.length - 1) * 1000) / span).toPrecision(2)} /s` : "first"],
  ];
  part(".facts").replaceChildren(...cells.map(cell));
  if (answers.length === 1) say(answer.note || "Live: each frame is answered, drawn and forgotten.", "live");
  else if (answer.note) say(answer.note, "live");
}

const milliseconds = (value) => (value >= 100 ? Math.round(value) : Math.max(0, value).toPrecision(2));

function cell([name, value]) {
  const made = document.createElement("span");
  const title = document.createElement("b");
  title.textContent = name;
  made.append(title, ` ${value}`);
  return made;
}

function draw() {
  const { clientWidth, clientHeight } = part(".screen");
  const context = fit(part("canvas"), clientWidth, clientHeight);
  paintBoxes(context, above(boxes), clientWidth, clientHeight);
}

part(".start").addEventListener("click", start);
part(".stop").addEventListener("click", () => stop());
document.addEventListener("detection-threshold", draw);
document.addEventListener("visibilitychange", () => {
  if (document.hidden && live.dataset.state !== "off") stop("The camera was stopped because the page was hidden.");
});
new IntersectionObserver(([entry]) => {
  const left = live.offsetParent === null; // not merely scrolled away
  if (!entry.isIntersecting && left && (stream || live.dataset.state === "starting"))
    stop("The camera was stopped because the tab was left.");
}).observe(live);
watch("value", () => (facts = null));
