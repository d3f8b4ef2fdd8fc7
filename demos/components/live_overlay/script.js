const live = element.querySelector(".live");
const part = (name) => live.querySelector(name);
const video = part("video");
const still = document.createElement("canvas");
const LONGEST_SIDE = 640;
const SIZES = [1, 0.75, 0.5]; // of the side: smaller frames on a slow network
const SLOW_TRANSFER_MS = 200;
const FAST_TRANSFER_MS = 60;
const HALF_FRAME_MS = 16; // of a camera: frames come when they come, so aim a little early
const DROPPED_PAUSE_MS = 80;
const KEPT = 60;
const STRIP_MS = 250;

let run = 0; // counts starts and stops: whatever belongs to an earlier run is ignored
let stream = null;
let address = null;
let transport = null;
let paused = false;
let capturing = false;
let inFlight = new Map();
let number = 0;
let side = LONGEST_SIDE;
let size = 0;
let spacing = 0;
let taken = 0;
let parallel = 1; // frames that the server does at once
let nextSend = 0;
let pausedUntil = 0;
let lastFrame = 0;
let boxes = [];
let known = {};
let hidden = new Set();
let traces = new Map();
let answered = [];
let transfers = [];
let stripDrawn = 0;
const marks = { line: null, zone: null };
const handles = { line: [], zone: [] };

function say(text, state) {
  part(".message").textContent = text;
  if (state) live.dataset.state = state;
}

const settings = () => ({
  model: props.value,
  track: part(".track").checked,
  threshold: currentThreshold(),
  line: marks.line,
  zone: marks.zone,
});

async function start(open) {
  if (stream || address) stop();
  const mine = ++run;
  say("Waiting for the video.", "starting");
  enable({ start: false });
  try {
    await open(mine);
    if (mine !== run) return;
    await video.play();
  } catch (problem) {
    if (mine === run) stop(problem.message, "error");
    return;
  }
  if (mine !== run) return;
  part(".screen").style.aspectRatio = `${video.videoWidth || 4} / ${video.videoHeight || 3}`;
  enable({ start: true, running: true });
  forget();
  say("Live: the model is loaded with the first frame.", "live");
  lastFrame = performance.now();
  follow(mine);
  await connect(mine);
}

async function useCamera(mine, deviceId) {
  const opened = await openCamera(deviceId);
  if (mine !== run) {
    opened.getTracks().forEach((track) => track.stop());
    return;
  }
  stream = opened;
  const [track] = stream.getVideoTracks();
  track.addEventListener("ended", () => {
    if (mine === run) stop("The camera was lost: connect it again and start anew.", "error");
  });
  video.srcObject = stream;
  part(".cameras").hidden = (await listCameras(part("select"), track.getSettings().deviceId)) < 2;
}

async function useFile(mine, file) {
  video.loop = true;
  const opened = await openFile(video, file);
  if (mine === run) address = opened;
  else closeFile(video, opened);
}

function stop(text = "The camera is off.", state = "off") {
  run++;
  transport?.close();
  transport = null;
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
  if (address) closeFile(video, address);
  address = null;
  forget();
  draw();
  enable({ start: true, running: false });
  say(text, state);
}

function forget() {
  [boxes, known, answered, transfers, paused, capturing] = [[], {}, [], [], false, false];
  [traces, inFlight] = [new Map(), new Map()];
  [size, spacing, taken, nextSend, pausedUntil] = [0, 0, 0, 0, 0];
  part(".pause").setAttribute("aria-pressed", "false");
}

function enable({ start: startable, running = false }) {
  part(".start").disabled = part(".open").disabled = !startable;
  part(".stop").disabled = part(".pause").disabled = !running;
  part(".step").disabled = !running || !paused;
}

async function connect(mine) {
  const opened = await openTransport(settings(), {
    onReady: (answer) => mine === run && ready(answer),
    onAnswer: (answer) => mine === run && show(answer),
    onEnd: (sentence) => mine === run && ended(sentence),
  });
  if (mine !== run) {
    opened.close();
    return;
  }
  transport = opened;
  inFlight = new Map();
  live.dataset.transport = transport.kind;
  const tracking = part(".track").checked && !transport.tracks;
  if (tracking) say("Ids and counts need a WebSocket, which could not be opened here; boxes come by single requests.");
}

function ready(answer) {
  side = answer.side || LONGEST_SIDE;
  parallel = answer.parallel || 1;
  known.facts = answer.facts;
  say(answer.note || "Live: each frame is answered, drawn and forgotten.", "live");
}

function ended(sentence) {
  if (!paused) {
    stop(sentence, "error");
    return;
  }
  transport = null; // a long pause: the next frame opens another connection
  say(`${sentence} Ids and counts begin anew with the next frame.`);
}

function follow(mine) {
  onNextFrame(video, (shownAt, seconds) => {
    if (mine !== run) return;
    lastFrame = performance.now();
    if (!paused && mayCapture()) sendFrame(mine, shownAt, stream ? shownAt / 1000 : seconds);
    follow(mine);
  });
}

function mayCapture() {
  const now = performance.now();
  if (!transport || capturing || transport.congested() || now < pausedUntil) return false;
  const most = transport.tracks ? parallel + 1 : 1;
  return inFlight.size === 0 || (inFlight.size < most && now >= nextSend);
}

async function sendFrame(mine, shownAt, seconds) {
  capturing = true;
  const begun = performance.now();
  const jpeg = await captureFrame(video, still, side * SIZES[size]);
  capturing = false;
  if (mine !== run || !transport || !jpeg) return;
  const sent = performance.now();
  inFlight.set(++number, { shownAt, sent, capture: sent - begun, bytes: jpeg.size });
  nextSend = begun + spacing;
  transport.send(number, seconds, jpeg);
}

function show(answer) {
  const frame = inFlight.get(answer.frame);
  inFlight.delete(answer.frame);
  if (!frame || answer.dropped) {
    if (answer.dropped && !transport.tracks) pausedUntil = performance.now() + DROPPED_PAUSE_MS;
    else if (answer.dropped) taken *= 1.2;
    return;
  }
  const received = performance.now();
  boxes = answer.boxes;
  extendTraces(traces, boxes, received);
  draw();
  const drawn = performance.now();
  const transfer = received - frame.sent - answer.server_seconds * 1000;
  space(answer.server_seconds * 1000);
  adapt(transfer);
  answered = [...answered.slice(1 - KEPT), { at: drawn, latency: drawn - frame.shownAt }];
  live.dataset.answered = Number(live.dataset.answered || 0) + 1;
  live.dispatchEvent(new CustomEvent("frame", { detail: { latency: drawn - frame.shownAt, boxes, answer } }));
  known = { ...known, answer, times: { capture: frame.capture, transfer, drawing: drawn - received }, bytes: frame.bytes };
  if (answer.note) say(answer.note);
  if (drawn - stripDrawn > STRIP_MS || answered.length === 1) report();
}

// When a frame may follow another, so that it meets a model that has just become free: after as long as the server takes
// for one (its line included), divided by how many it does at once. A frame that comes too early waits, which lengthens
// the time, and so on.
function space(serverMs) {
  taken = taken ? taken + 0.2 * (serverMs - taken) : serverMs;
  spacing = Math.max(0, taken / parallel - HALF_FRAME_MS);
}

function adapt(transfer) {
  transfers = [...transfers.slice(-6), transfer];
  if (transfers.length < 7) return;
  const median = [...transfers].sort((a, b) => a - b)[3];
  const before = size;
  if (median > SLOW_TRANSFER_MS) size = Math.min(SIZES.length - 1, size + 1);
  else if (median < FAST_TRANSFER_MS) size = Math.max(0, size - 1);
  if (size === before) return;
  transfers = [];
  say(size ? "The network is slow: frames are sent smaller." : "Live: each frame is answered, drawn and forgotten.");
}

const milliseconds = (value) => `${value >= 99.5 ? Math.round(value) : Math.max(0, value).toPrecision(2)} ms`;
const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)];

function report() {
  stripDrawn = performance.now();
  const { answer, times, bytes } = known;
  const span = answered[answered.length - 1].at - answered[0].at;
  const latencies = answered.map(({ latency }) => latency);
  const rate = span ? ((answered.length - 1) * 1000) / span : 0;
  live.dataset.rate = rate.toFixed(1);
  live.dataset.latency = quantile(latencies, 0.5).toFixed(0);
  const cells = [
    ...(known.facts || []),
    ["runtime", answer.runtime],
    ["transport", `${transport.kind}, ${still.width} x ${still.height}, ${Math.round(bytes / 1000)} kB`],
    ["capture", milliseconds(times.capture)],
    ["transfer", milliseconds(times.transfer)],
    ["waiting", milliseconds(answer.seconds.wait * 1000)],
    ["decoding", milliseconds(answer.seconds.decode * 1000)],
    ["model time", milliseconds(answer.seconds.model * 1000)],
    ...(answer.counts ? [["tracking", milliseconds(answer.seconds.track * 1000)]] : []),
    ["drawing", milliseconds(times.drawing)],
    ["camera to box", `${milliseconds(quantile(latencies, 0.5))}, 95 % within ${milliseconds(quantile(latencies, 0.95))}`],
    ["frames", rate ? `${rate.toPrecision(2)} /s` : "first"],
  ];
  part(".facts").replaceChildren(...cells.map(cell));
  listClasses();
  listCounts(answer.counts);
}

function cell([name, value]) {
  const made = document.createElement("span");
  const title = document.createElement("b");
  title.textContent = name;
  made.append(title, ` ${value}`);
  return made;
}

const shown = () => above(boxes).filter(({ label }) => !hidden.has(label));

function draw() {
  const { clientWidth, clientHeight } = part(".screen");
  const context = fit(part("canvas"), clientWidth, clientHeight);
  paintMarks(context, marks, clientWidth, clientHeight);
  if (part(".track").checked) paintTraces(context, traces, shown(), clientWidth, clientHeight);
  paintBoxes(context, shown(), clientWidth, clientHeight);
  live.dataset.boxes = shown().length;
}

function listClasses() {
  const present = Map.groupBy(above(boxes), ({ label }) => label);
  known.classes = known.classes || new Set();
  for (const label of present.keys()) known.classes.add(label);
  const made = [...known.classes].sort().map((label) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${label} ${present.get(label)?.length || 0}`;
    button.setAttribute("aria-pressed", String(!hidden.has(label)));
    button.addEventListener("click", () => {
      hidden.has(label) ? hidden.delete(label) : hidden.add(label);
      draw();
      listClasses();
    });
    return button;
  });
  part(".classes").replaceChildren(...made);
}

const COLUMNS = { seen: "ids so far", in: "went in", out: "went out", zone: "in the zone" };

function listCounts(counts) {
  const table = part(".counts");
  table.hidden = !counts;
  if (!counts) return;
  const columns = Object.keys(COLUMNS).filter((name) => counts[name]);
  const labels = [...new Set(columns.flatMap((name) => Object.keys(counts[name])))].sort();
  const head = table.createTHead();
  head.replaceChildren(row("th", ["class", ...columns.map((name) => COLUMNS[name])]));
  const body = table.tBodies[0] || table.createTBody();
  body.replaceChildren(...labels.map((label) => row("td", [label, ...columns.map((name) => counts[name][label] || 0)])));
}

function row(kind, texts) {
  const made = document.createElement("tr");
  made.append(
    ...texts.map((text) => {
      const cell = document.createElement(kind);
      cell.textContent = text;
      return cell;
    }),
  );
  return made;
}

async function togglePause() {
  paused = !paused;
  part(".pause").setAttribute("aria-pressed", String(paused));
  enable({ start: true, running: true });
  if (paused) {
    video.pause();
    say("Paused: step frame by frame, or go on.");
  } else {
    if (!transport) await connect(run);
    await video.play();
    say("Live: each frame is answered, drawn and forgotten.");
  }
}

async function step() {
  const mine = run;
  part(".step").disabled = true;
  if (!transport) await connect(mine);
  const next = new Promise((done) => onNextFrame(video, (shownAt, seconds) => done([shownAt, seconds])));
  if (stream) await video.play();
  else video.currentTime = (video.currentTime + 1 / 25) % (video.duration || Infinity);
  const [shownAt, seconds] = await next;
  if (mine !== run) return;
  if (stream) video.pause();
  await sendFrame(mine, shownAt, stream ? shownAt / 1000 : seconds);
  part(".step").disabled = !paused;
}

let telling = 0;
function tell() {
  draw();
  clearTimeout(telling);
  telling = setTimeout(() => transport?.update(settings()), 150);
}

for (const kind of ["line", "zone"]) {
  part(`.${kind}`).addEventListener("change", (event) => {
    handles[kind].forEach((handle) => handle.remove());
    marks[kind] = event.target.checked ? structuredClone(MARKS[kind].points) : null;
    handles[kind] = marks[kind] ? addHandles(part(".screen"), kind, marks[kind], (done) => (done ? tell() : draw())) : [];
    if (marks[kind]) part(".track").checked = true;
    part(".hint").hidden = !marks.line && !marks.zone;
    tell();
  });
}
part(".track").addEventListener("change", (event) => {
  traces = new Map();
  if (!event.target.checked) for (const kind of ["line", "zone"]) if (marks[kind]) part(`.${kind}`).click();
  tell();
});
part(".start").addEventListener("click", () => start((mine) => useCamera(mine)));
part("select").addEventListener("change", (event) => start((mine) => useCamera(mine, event.target.value)));
part(".open").addEventListener("click", () => part(".file").click());
part(".file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (file) start((mine) => useFile(mine, file));
});
part(".stop").addEventListener("click", () => stop(stream ? "The camera is off." : "The video was stopped."));
part(".pause").addEventListener("click", togglePause);
part(".step").addEventListener("click", step);
document.addEventListener("detection-threshold", tell);
document.addEventListener("visibilitychange", () => {
  if (document.hidden && (stream || address || live.dataset.state === "starting"))
    stop("The camera was stopped because the page was hidden.");
});
new IntersectionObserver(([entry]) => {
  const left = live.offsetParent === null; // not merely scrolled away
  if (!entry.isIntersecting && left && (stream || address || live.dataset.state === "starting"))
    stop("The camera was stopped because the tab was left.");
}).observe(live);
setInterval(() => {
  if (stream && !paused && performance.now() - lastFrame > NO_FRAME_MS) say("The camera sends no pictures at present.");
}, NO_FRAME_MS / 2);
watch("value", tell);
