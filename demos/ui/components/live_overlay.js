// Boxes over live video, from the camera or a video file: frames go out as JPEG, boxes come back as data and are drawn
// over the moving video, so that the picture never stutters. The camera stops on the button, when the tab is left and
// when the page is hidden. Value: the name of the model that answers.
//
// Each answer is a DOM event `frame` of the element `.live`, with `detail` = { latency (ms, from camera to box), boxes,
// answer }.

import { address } from "../core/arrays.js";
import { fit, onWidth } from "../core/canvas.js";
import { find } from "../core/dom.js";
import { clamp } from "../core/keys.js";
import { follow, share, shared } from "../core/shared.js";
import { above, paintBoxes, threshold } from "../pieces/boxes.js";
import { classButtons, countRows, facts } from "../pieces/live_report.js";
import { Session } from "../pieces/live_session.js";
import { openTransport } from "../pieces/live_transport.js";
import { captureFrame, closeFile, listCameras, nextFrame, openFile } from "../pieces/video_source.js";
import { extendTraces, KINDS, paintTraces, pointsOf, textOf, WatchMarks } from "../pieces/watch_marks.js";
import { closeCamera, jpegOf, onLeave, openCamera } from "../pieces/webcam.js";

/** @typedef {import("../pieces/live_transport.js").LiveAnswer} LiveAnswer */
/** @typedef {import("../pieces/live_transport.js").LiveReady} LiveReady */
/** @typedef {import("../types.js").StillView} StillView */

export const template = `
<div class="live" data-state="off">
  <div class="controls">
    <button type="button" class="start gb-primary">Start the camera</button>
    <button type="button" class="open">Play a video file</button>
    <button type="button" class="clip" hidden>Play the example clip</button>
    <button type="button" class="stop" disabled>Stop</button>
    <button type="button" class="pause" disabled aria-pressed="false">Pause</button>
    <button type="button" class="step" disabled>Next frame</button>
    <label class="cameras" hidden>Camera <select></select></label>
    <input type="file" class="file" accept="video/*" hidden aria-label="A video file from this computer">
    <span class="message" role="status">Frames are sent to the server that runs the model, answered and forgotten.</span>
  </div>
  <div class="controls">
    <label><input type="checkbox" class="track"> Ids and traces</label>
    <label><input type="checkbox" class="line"> Counting line</label>
    <label><input type="checkbox" class="zone"> Zone</label>
    <span class="hint" hidden>Drag the round handles, or move them with the arrow keys.</span>
  </div>
  <div class="screen"><img class="still" alt="A frame of the example clip" hidden><video autoplay muted playsinline></video><canvas></canvas></div>
  <p class="nothing" role="status" hidden><span></span> <button type="button" class="others gb-primary" hidden>Look for people</button> <button type="button" class="teach">Teach it this one</button></p>
  <div class="known" hidden>
    <p class="gb-caption">Hold one of these up, or a drawing in the style of the game:</p>
    <img src="detection/signs.png" alt="Ten hands that sign the digits 0 to 9" width="960" height="96">
    <img src="detection/cards.png" alt="Playing cards: nine, ten, ace" width="364" height="132">
  </div>
  <div class="classes gb-chips" role="group" aria-label="Classes: press one to hide or show its boxes"></div>
  <table class="gb-table counts" hidden></table>
  <div class="gb-strip facts"></div>
</div>`;

const NO_FRAME_MS = 4000;
const STRIP_MS = 250;
const TELL_MS = 150;
const NOTHING_MS = 3000;
const LONGEST_TAUGHT = 640; // pixels
const FRESH_MS = 400; // boxes older than that fade
const FADING_MS = 800;
const ALONE_MS = 60_000; // how long the clip plays that nobody asked for
const NOT_HERE = "Nothing here that I know. Another model knows people, and your own things I learn in a minute.";
const NOTHING = "Nothing here that I know; teach me yours in a minute.";
const STILL = "A frame of the example clip, asked once. Start the camera, or play something: then it is live.";
const LIVE = "Live: each frame is answered, drawn and forgotten.";
const ALONE = "Live on the example clip, for a minute. Start the camera to see yourself.";
const ALONE_OVER = "The example clip has played for a minute. Start the camera, or play it again.";
const WITHOUT_SOCKET =
  "Ids and counts need a WebSocket, which could not be opened here; boxes come by single requests.";

export default class LiveOverlay {
  #session = new Session();
  #number = 0;
  #telling = 0;
  #tried = false; // to play the clip by itself
  /** @type {Set<string>} labels whose boxes are not shown */ #hidden = new Set();

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props, server, look, emit }) {
    this.root = root;
    this.look = look;
    this.props = props;
    this.server = server;
    /** @type {HTMLElement} */ this.live = find(root, ".live");
    /** @type {HTMLVideoElement} */ this.video = find(root, "video");
    /** @type {HTMLElement} */ this.screen = find(root, ".screen");
    this.copy = document.createElement("canvas");
    this.marks = new WatchMarks(this.screen, (done) => (done ? this.#tell() : this.#draw()));
    /** @type {StillView | null} */ this.still = null;
    find(root, ".clip").hidden = !props.clip;
    find(root, ".teach").addEventListener("click", () => this.#teach());
    find(root, ".others").addEventListener("click", () => emit.others());
    this.#listen();
    this.#listenToMarks();
    if (props.clip) this.#showStill(shared("still") ?? null);
  }

  /** The frame that is shown goes to the page that teaches, which is opened. */
  #teach() {
    const { video } = this;
    share("frame", jpegOf(video, video.videoWidth, video.videoHeight, LONGEST_TAUGHT));
    const tab = /** @type {HTMLElement | null} */ (document.querySelector("#detection-own_boxes-tab-button"));
    tab?.click();
  }

  /** Says what it knows where nothing was found for a while. @param {Session} session @param {number} now */
  #offerToTeach(session, now) {
    if (above(session.boxes).length) session.foundAt = now;
    find(this.root, ".nothing").hidden = !this.props.known || !session.stream || now - session.foundAt < NOTHING_MS;
  }

  /** What it shows before there is a video: a frame of the clip with its boxes. @param {StillView | null} still */
  #showStill(still) {
    this.still = still;
    if (!still || this.#session.playing || this.live.dataset.state !== "off") return;
    const [image, session] = [find(this.root, ".still"), this.#session];
    image.src = address(still.image);
    image.hidden = false;
    this.live.dataset.still = "true";
    this.screen.style.aspectRatio = `${still.width} / ${still.height}`;
    [session.boxes, session.paused] = [still.boxes, true]; // they do not fade
    for (const { label } of above(still.boxes)) session.labels.add(label);
    this.#say(STILL);
    this.#listClasses();
    this.#draw();
    if (!this.#tried && this.live.offsetParent && mayPlayAlone()) this.#playAlone();
  }

  /** The clip begins by itself, once; where the browser does not let it, the still frame stays. */
  async #playAlone() {
    this.#tried = true;
    await this.#start((session) => {
      session.alone = true;
      return this.#useClip(session);
    });
    if (this.live.dataset.state !== "error") return;
    this.#stop();
    this.#showStill(this.still);
  }

  /** The model has changed. */
  show() {
    const signs = this.props.known === this.props.value; // the model that knows what the pictures show
    find(this.root, ".known").hidden = !signs;
    find(this.root, ".others").hidden = !signs;
    find(this.root, ".nothing span").textContent = signs ? NOT_HERE : NOTHING;
    this.#session.foundAt = performance.now();
    if (this.props.linked) this.#takeMarks();
    this.#tell();
  }

  #listen() {
    const { root } = this;
    find(root, ".start").addEventListener("click", () => this.#start((session) => this.#useCamera(session)));
    find(root, "select").addEventListener("change", (/** @type {any} */ { target }) =>
      this.#start((session) => this.#useCamera(session, target.value)),
    );
    find(root, ".open").addEventListener("click", () => find(root, ".file").click());
    find(root, ".file").addEventListener("change", (/** @type {any} */ { target }) => {
      const [file] = target.files;
      target.value = "";
      if (file) this.#start((session) => this.#useFile(session, file));
    });
    find(root, ".clip").addEventListener("click", () => this.#start((session) => this.#useClip(session)));
    find(root, ".stop").addEventListener("click", () =>
      this.#stop(this.#session.stream ? "The camera is off." : "The video was stopped."),
    );
    find(root, ".pause").addEventListener("click", () => this.#togglePause());
    find(root, ".step").addEventListener("click", () => this.#step());
    this.video.addEventListener("resize", () => this.#shape());
    for (const name of ["threshold", "arrived"]) follow(name, root, () => this.#tell());
    if (this.props.clip) follow("still", root, (still) => this.#showStill(still));
    onWidth(this.screen, () => this.#draw());
    onLeave(this.live, (reason) => {
      if (this.#session.playing || this.live.dataset.state === "starting")
        this.#stop(`The ${this.#session.stream ? "camera" : "video"} was stopped ${reason}.`);
    });
    setInterval(() => {
      const { stream, paused, lastFrame, alone, begun } = this.#session;
      if (alone && !paused && performance.now() - begun > ALONE_MS) this.#stop(ALONE_OVER);
      if (stream && !paused && performance.now() - lastFrame > NO_FRAME_MS)
        this.#say("The camera sends no pictures at present.");
    }, NO_FRAME_MS / 2);
  }

  #listenToMarks() {
    const track = find(this.root, ".track");
    for (const kind of KINDS) {
      const box = find(this.root, `.${kind}`);
      box.addEventListener("change", () => {
        this.#mark(kind, box.checked);
        this.#tell();
      });
      track.addEventListener("change", () => {
        if (!track.checked && box.checked) box.click();
      });
    }
    track.addEventListener("change", () => {
      this.#session.traces = new Map();
      this.#tell();
    });
  }

  /** @param {import("../pieces/watch_marks.js").Kind} kind @param {boolean} wanted @param {number[][]} [points] where they begin */
  #mark(kind, wanted, points) {
    this.marks.set(kind, wanted, points);
    if (wanted) find(this.root, ".track").checked = true;
    find(this.root, ".hint").hidden = !this.marks.any;
  }

  /** Line and zone of a link. */
  #takeMarks() {
    for (const kind of KINDS) {
      const points = pointsOf(this.look.take(kind), kind);
      if (!points) continue;
      find(this.root, `.${kind}`).checked = true;
      this.#mark(kind, true, points);
    }
  }

  /** @param {string} text @param {"off" | "starting" | "live" | "error"} [state] */
  #say(text, state) {
    find(this.root, ".message").textContent = text;
    if (state) this.live.dataset.state = state;
  }

  get #settings() {
    const { line, zone } = this.marks.points;
    return {
      model: this.props.value,
      track: find(this.root, ".track").checked,
      threshold: threshold(),
      line,
      zone,
    };
  }

  /** Draws anew, and soon tells the server of new settings. */
  #tell() {
    this.#draw();
    if (this.props.linked) for (const kind of KINDS) this.look.set(kind, textOf(this.marks.points[kind]));
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.#session.transport?.update(this.#settings), TELL_MS);
  }

  /** @param {(session: Session) => Promise<void>} open */
  async #start(open) {
    this.#end();
    const session = this.#session;
    this.#say("Waiting for the video.", "starting");
    this.#enable({ startable: false });
    try {
      await open(session);
      if (session !== this.#session) return;
      await this.video.play();
    } catch (problem) {
      if (session === this.#session) this.#stop(/** @type {Error} */ (problem).message, "error");
      return;
    }
    if (session !== this.#session) return;
    this.#shape();
    this.#enable({ running: true });
    this.#say("Live: the model is loaded with the first frame.", "live");
    session.lastFrame = performance.now();
    this.#followFrames(session);
    await this.#connect(session);
  }

  /** @param {Session} session @param {string} [deviceId] */
  async #useCamera(session, deviceId) {
    const opened = await openCamera(deviceId);
    if (session !== this.#session) return closeCamera(opened);
    session.stream = opened;
    const [track] = opened.getVideoTracks();
    track.addEventListener("ended", () => {
      if (session === this.#session) this.#stop("The camera was lost: connect it again and start anew.", "error");
    });
    this.video.srcObject = opened;
    const cameras = await listCameras(find(this.root, "select"), track.getSettings().deviceId);
    find(this.root, ".cameras").hidden = cameras < 2;
    return undefined;
  }

  /** @param {Session} session @param {Blob} file */
  async #useFile(session, file) {
    this.video.loop = true;
    const opened = await openFile(this.video, file);
    if (session === this.#session) session.address = opened;
    else closeFile(this.video, opened);
  }

  /** @param {Session} session */
  async #useClip(session) {
    const answer = await fetch(new URL(this.props.clip, document.baseURI));
    if (!answer.ok) throw new Error("The example clip could not be fetched: try again.");
    if (session === this.#session) await this.#useFile(session, await answer.blob());
  }

  /** @param {string} [text] @param {"off" | "error"} [state] */
  #stop(text = "The camera is off.", state = "off") {
    this.#end();
    this.#enable({ running: false });
    this.#say(text, state);
  }

  /** Lets go of everything; what was shown of it goes too. */
  #end() {
    const { transport, stream, address } = this.#session;
    transport?.close();
    closeCamera(stream);
    this.video.srcObject = null;
    if (address) closeFile(this.video, address);
    this.#session = new Session();
    find(this.root, ".still").hidden = true;
    delete this.live.dataset.still;
    find(this.root, ".pause").setAttribute("aria-pressed", "false");
    for (const place of [".classes", ".facts", ".counts"]) find(this.root, place).replaceChildren();
    for (const place of [".counts", ".nothing"]) find(this.root, place).hidden = true;
    for (const name of ["rate", "latency", "waiting"]) delete this.live.dataset[name];
    this.#draw();
  }

  /** @param {{ startable?: boolean, running?: boolean }} what */
  #enable({ startable = true, running = false }) {
    for (const name of [".start", ".open", ".clip"]) find(this.root, name).disabled = !startable;
    for (const name of [".stop", ".pause"]) find(this.root, name).disabled = !running;
    find(this.root, ".step").disabled = !running || !this.#session.paused;
  }

  /** The screen takes the video's shape, also when a phone is turned. */
  #shape() {
    this.screen.style.aspectRatio = `${this.video.videoWidth || 4} / ${this.video.videoHeight || 3}`;
    this.#draw();
  }

  /** @param {Session} session */
  async #connect(session) {
    const mine = () => session === this.#session;
    /** @type {import("../pieces/live_transport.js").LiveEvents} */
    const events = {
      onReady: (answer) => mine() && this.#ready(session, answer),
      onAnswer: (answer) => mine() && this.#answered(session, answer),
      onEnd: (sentence) => mine() && this.#ended(session, sentence),
    };
    const opened = await openTransport(this.#settings, events, this.server);
    if (!mine()) return opened.close();
    session.transport = opened;
    session.inFlight = new Map();
    this.live.dataset.transport = opened.kind;
    if (find(this.root, ".track").checked && !opened.tracks) this.#say(WITHOUT_SOCKET);
    return undefined;
  }

  /** @param {Session} session @param {LiveReady} answer */
  #ready(session, answer) {
    session.side = answer.side || session.side;
    session.pacing.parallel = answer.parallel || 1;
    session.facts = answer.facts;
    this.#say(answer.note || (session.alone ? ALONE : LIVE), "live");
  }

  /** @param {Session} session @param {string} sentence */
  #ended(session, sentence) {
    if (!session.paused) return this.#stop(sentence, "error");
    session.transport = null; // a long pause: the next frame opens another connection
    return this.#say(`${sentence} Ids and counts begin anew with the next frame.`);
  }

  /** @param {Session} session */
  async #followFrames(session) {
    for (;;) {
      const { shownAt, seconds } = await nextFrame(this.video);
      if (session !== this.#session) return;
      session.lastFrame = performance.now();
      if (fading(session, session.lastFrame) < 1) this.#draw();
      if (!session.paused && session.mayCapture) this.#send(session, shownAt, seconds);
    }
  }

  /** @param {Session} session @param {number} shownAt @param {number} seconds of the video */
  async #send(session, shownAt, seconds) {
    session.capturing = true;
    const begun = performance.now();
    const jpeg = await captureFrame(this.video, this.copy, session.side * session.pacing.share);
    session.capturing = false;
    if (session !== this.#session || !session.transport || !jpeg) return;
    const sent = performance.now();
    this.#number += 1;
    session.inFlight.set(this.#number, { shownAt, sent, capture: sent - begun, bytes: jpeg.size });
    this.live.dataset.waiting = String(session.inFlight.size);
    session.pacing.sent(begun);
    session.transport.send(this.#number, session.stream ? shownAt / 1000 : seconds, jpeg);
  }

  /** @param {Session} session @param {LiveAnswer} answer */
  #answered(session, answer) {
    const frame = session.inFlight.get(answer.frame);
    session.inFlight.delete(answer.frame);
    this.live.dataset.waiting = String(session.inFlight.size);
    const several = Boolean(session.transport?.tracks);
    if (answer.dropped) session.pacing.dropped(performance.now(), several);
    if (!frame || answer.dropped) return;
    const received = performance.now();
    session.boxes = answer.boxes;
    session.boxesAt = frame.shownAt;
    this.#offerToTeach(session, received);
    for (const { label } of above(answer.boxes)) session.labels.add(label);
    extendTraces(session.traces, answer.boxes, received);
    this.#draw();
    const drawn = performance.now();
    const transfer = received - frame.sent - answer.server_seconds * 1000;
    if (session.pacing.answered(answer.server_seconds * 1000, transfer))
      this.#say(session.pacing.share < 1 ? "The network is slow: frames are sent smaller." : LIVE);
    const latency = drawn - frame.shownAt;
    session.latencies.add(drawn, latency);
    this.live.dataset.answered = String(Number(this.live.dataset.answered || 0) + 1);
    this.live.dispatchEvent(new CustomEvent("frame", { detail: { latency, boxes: answer.boxes, answer } }));
    if (answer.note) this.#say(answer.note);
    if (drawn - session.reported > STRIP_MS || session.latencies.count === 1)
      this.#report(session, answer, {
        capture: frame.capture,
        transfer,
        drawing: drawn - received,
        bytes: frame.bytes,
      });
  }

  /** @param {Session} session @param {LiveAnswer} answer @param {import("../pieces/live_report.js").Times} times */
  #report(session, answer, times) {
    session.reported = performance.now();
    const { latencies, transport, facts: known } = session;
    this.live.dataset.rate = latencies.rate.toFixed(1);
    this.live.dataset.latency = latencies.within(0.5).toFixed(0);
    const frames = `${transport?.kind}, ${this.copy.width} x ${this.copy.height}, ${Math.round(times.bytes / 1000)} kB`;
    find(this.root, ".facts").replaceChildren(...facts(known, answer, frames, times, latencies));
    this.#listClasses();
    const table = find(this.root, ".counts");
    table.hidden = !answer.counts;
    if (answer.counts) table.replaceChildren(...countRows(answer.counts));
  }

  #listClasses() {
    const { labels, boxes } = this.#session;
    const buttons = classButtons(labels, above(boxes), this.#hidden, (label) => {
      if (!this.#hidden.delete(label)) this.#hidden.add(label);
      this.#draw();
      this.#listClasses();
    });
    find(this.root, ".classes").replaceChildren(...buttons);
  }

  #draw() {
    const { clientWidth, clientHeight } = this.screen;
    const context = fit(find(this.root, ".screen canvas"), clientWidth, clientHeight);
    const boxes = above(this.#session.boxes).filter(({ label }) => !this.#hidden.has(label));
    this.marks.paint(context, clientWidth, clientHeight);
    if (find(this.root, ".track").checked) paintTraces(context, this.#session.traces, boxes, clientWidth, clientHeight);
    context.globalAlpha = fading(this.#session, performance.now());
    paintBoxes(context, boxes, clientWidth, clientHeight);
    context.globalAlpha = 1;
    this.live.dataset.boxes = String(boxes.length);
  }

  async #togglePause() {
    const session = this.#session;
    session.paused = !session.paused;
    find(this.root, ".pause").setAttribute("aria-pressed", String(session.paused));
    this.#enable({ running: true });
    if (session.paused) {
      this.video.pause();
      return this.#say("Paused: step frame by frame, or go on.");
    }
    if (!session.transport) await this.#connect(session);
    await this.video.play();
    return this.#say(LIVE);
  }

  async #step() {
    const session = this.#session;
    const button = find(this.root, ".step");
    button.disabled = true;
    if (!session.transport) await this.#connect(session);
    const next = nextFrame(this.video);
    if (session.stream) await this.video.play();
    else this.video.currentTime = (this.video.currentTime + 1 / 25) % (this.video.duration || Infinity);
    const { shownAt, seconds } = await next;
    if (session !== this.#session) return;
    if (session.stream) this.video.pause();
    await this.#send(session, shownAt, seconds);
    button.disabled = !session.paused;
  }
}

/** How strong boxes are drawn: those of a frame long gone fade away. @param {Session} session @param {number} now */
function fading({ boxesAt, paused }, now) {
  return paused ? 1 : 1 - clamp((now - boxesAt - FRESH_MS) / FADING_MS, 0, 1);
}

/** Whether a video may begin that nobody asked for: not where less motion or less data is wanted. */
function mayPlayAlone() {
  const { connection } = /** @type {Navigator & { connection?: { saveData?: boolean } }} */ (navigator);
  return !document.hidden && !connection?.saveData && !matchMedia("(prefers-reduced-motion: reduce)").matches;
}
