// How frames reach the server: a WebSocket, or one POST a frame where none can be opened. Both call `onAnswer(answer)`
// with the number of the frame, and `onEnd(sentence)` once, if they end without being closed.
const OPEN_MS = 4000;
const POST_MS = 15000;
const HEADER_BYTES = 16;

async function openTransport(settings, events) {
  return (await openSocket(settings, events)) || openPosts(settings, events);
}

function openSocket(settings, { onReady, onAnswer, onEnd }) {
  const address = new URL("live/detection", document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  address.search = address.hash = "";
  return new Promise((done) => {
    let socket;
    try {
      socket = new WebSocket(address);
    } catch {
      done(null);
      return;
    }
    const late = setTimeout(() => socket.close(), OPEN_MS);
    let [open, closed, seen, told] = [false, false, 0, ""];
    const put = (message) => socket.readyState === socket.OPEN && socket.send(message);
    socket.onopen = () => {
      clearTimeout(late);
      open = true;
      put(JSON.stringify(settings));
      done({
        kind: "WebSocket",
        tracks: true,
        congested: () => socket.bufferedAmount > 0,
        send: (number, seconds, jpeg) => {
          const header = new DataView(new ArrayBuffer(HEADER_BYTES));
          header.setUint32(0, number, true);
          header.setUint32(4, seen, true);
          header.setFloat64(8, seconds, true);
          put(new Blob([header, jpeg]));
        },
        update: (changed) => put(JSON.stringify(changed)),
        close: () => {
          closed = true;
          socket.close();
        },
      });
    };
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(data);
      if (closed) return;
      if (answer.error) told = answer.error;
      else if (answer.ready) onReady(answer);
      else {
        seen = Math.max(seen, answer.frame);
        onAnswer(answer);
      }
    };
    socket.onclose = () => {
      clearTimeout(late);
      if (!open) done(null);
      else if (!closed) onEnd(told || "The connection to the server was lost: start again.");
    };
  });
}

function openPosts(settings, { onReady, onAnswer, onEnd }) {
  let [model, known, closed] = [settings.model, false, false];
  const answerTo = async (jpeg) => {
    const late = new Promise((done) => setTimeout(() => done({ busy: true }), POST_MS));
    try {
      const request = { jpeg: await base64(jpeg), model, facts: !known };
      return await Promise.race([server.detect_frame(request), late]);
    } catch {
      return { error: "The server did not answer: it may have been restarted. Start again." };
    }
  };
  return {
    kind: "HTTP",
    tracks: false,
    congested: () => false,
    send: async (number, _, jpeg) => {
      const answer = await answerTo(jpeg);
      if (closed) return;
      if (answer.error) onEnd(answer.error);
      else if (answer.busy) onAnswer({ frame: number, dropped: true });
      else {
        if (answer.facts) onReady(answer);
        known = true;
        onAnswer({ ...answer, frame: number });
      }
    },
    update: (changed) => {
      model = changed.model;
      known = false;
    },
    close: () => (closed = true),
  };
}

function base64(blob) {
  return new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(",")[1]);
    reader.readAsDataURL(blob);
  });
}
