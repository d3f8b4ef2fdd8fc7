// How frames reach the server: the WebSocket of docs/live-transport.md, or one POST a frame where none can be opened.

const OPEN_MS = 4000;
const POST_MS = 15_000;
const HEADER_BYTES = 16;
const LOST = "The connection to the server was lost: start again.";
const SILENT = "The server did not answer: it may have been restarted. Start again.";

/**
 * @typedef {object} LiveSettings
 * @property {string} model
 * @property {boolean} track
 * @property {number} threshold
 * @property {number[][] | null} line
 * @property {number[][] | null} zone
 *
 * @typedef {object} LiveAnswer  what the server says of a frame, see docs/live-transport.md
 * @property {number} frame
 * @property {boolean} [dropped]
 * @property {import("./boxes.js").Found[]} boxes
 * @property {Record<string, Record<string, number>>} [counts]
 * @property {string} runtime
 * @property {Record<string, number>} seconds
 * @property {number} server_seconds
 * @property {string} [note]
 *
 * @typedef {object} LiveReady  what the server says of the model
 * @property {[string, string][]} facts
 * @property {string} note
 * @property {number} side
 * @property {number} parallel
 *
 * @typedef {object} LiveEvents
 * @property {(answer: LiveReady) => void} onReady
 * @property {(answer: LiveAnswer) => void} onAnswer
 * @property {(sentence: string) => void} onEnd  called once, if it ends without being closed
 *
 * @typedef {object} Transport
 * @property {string} kind
 * @property {boolean} tracks
 * @property {() => boolean} congested
 * @property {(number: number, seconds: number, jpeg: Blob) => void} send
 * @property {(settings: LiveSettings) => void} update
 * @property {() => void} close
 */

/** @param {LiveSettings} settings @param {LiveEvents} events @param {any} server @returns {Promise<Transport>} */
export async function openTransport(settings, events, server) {
  return (await openSocket(settings, events)) ?? openPosts(settings, events, server);
}

/** @param {number} number @param {number} seen @param {number} seconds */
export function frameHeader(number, seen, seconds) {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  header.setUint32(0, number, true);
  header.setUint32(4, seen, true);
  header.setFloat64(8, seconds, true);
  return header;
}

/** @param {LiveSettings} settings @param {LiveEvents} events @returns {Promise<Transport | null>} null where none opens */
function openSocket(settings, events) {
  const address = new URL("live/detection", document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  address.search = address.hash = "";
  return new Promise((resolve) => {
    /** @type {WebSocket} */ let socket;
    try {
      socket = new WebSocket(address);
    } catch {
      resolve(null);
      return;
    }
    const late = setTimeout(() => socket.close(), OPEN_MS);
    socket.onopen = () => {
      clearTimeout(late);
      resolve(overSocket(socket, settings, events));
    };
    socket.onclose = () => {
      clearTimeout(late);
      resolve(null);
    };
  });
}

/** @param {WebSocket} socket @param {LiveSettings} settings @param {LiveEvents} events @returns {Transport} */
function overSocket(socket, settings, { onReady, onAnswer, onEnd }) {
  let [closed, seen, told] = [false, 0, ""];
  /** @param {string | Blob} message */
  const put = (message) => {
    if (socket.readyState === socket.OPEN) socket.send(message);
  };
  socket.onmessage = ({ data }) => {
    if (closed) return;
    const answer = JSON.parse(data);
    if (answer.error) told = answer.error;
    else if (answer.ready) onReady(answer);
    else {
      seen = Math.max(seen, answer.frame);
      onAnswer(answer);
    }
  };
  socket.onclose = () => {
    if (!closed) onEnd(told || LOST);
  };
  put(JSON.stringify(settings));
  return {
    kind: "WebSocket",
    tracks: true,
    congested: () => socket.bufferedAmount > 0,
    send: (number, seconds, jpeg) => put(new Blob([frameHeader(number, seen, seconds), jpeg])),
    update: (changed) => put(JSON.stringify(changed)),
    close: () => {
      closed = true;
      socket.close();
    },
  };
}

/** @param {LiveSettings} settings @param {LiveEvents} events @param {any} server @returns {Transport} */
function openPosts(settings, { onReady, onAnswer, onEnd }, server) {
  let [model, known, closed] = [settings.model, false, false];
  /** @param {Blob} jpeg */
  const answerTo = async (jpeg) => {
    const late = new Promise((resolve) => setTimeout(() => resolve({ busy: true }), POST_MS));
    try {
      const request = { jpeg: await base64(jpeg), model, facts: !known };
      return /** @type {any} */ (await Promise.race([server.detect_frame(request), late]));
    } catch {
      return { error: SILENT };
    }
  };
  return {
    kind: "HTTP",
    tracks: false,
    congested: () => false,
    send: async (number, _, jpeg) => {
      const answer = await answerTo(jpeg);
      if (closed) return;
      if (answer.error) return onEnd(answer.error);
      if (answer.busy) return onAnswer({ ...answer, frame: number, dropped: true });
      if (answer.facts) onReady(answer);
      known = true;
      return onAnswer({ ...answer, frame: number });
    },
    update: (changed) => {
      model = changed.model;
      known = false;
    },
    close: () => {
      closed = true;
    },
  };
}

/** @param {Blob} blob @returns {Promise<string>} */
function base64(blob) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1]);
    reader.readAsDataURL(blob);
  });
}
