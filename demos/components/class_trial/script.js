const root = element.querySelector(".class-trial");
const part = (name) => root.querySelector(name);
const BUSY_MILLISECONDS = 120;
let own = null;
let answered = [];
let run = 0; // counts starts and stops: answers to earlier frames are ignored

const camera = webcam(part("video"), (sentence, state) => {
  part(".ct-message").textContent = sentence;
  part(".ct-start").disabled = state === "on" || state === "starting";
  part(".ct-stop").disabled = state !== "on";
  if (own) root.dataset.state = state === "error" ? "error" : "full";
  if (state !== "starting") run += 1;
});

function receive() {
  own = props.value?.labels ? props.value : null;
  root.dataset.state = own ? "full" : "empty";
  if (!own) return camera.on() && camera.stop();
  part(".ct-bars").replaceChildren(
    ...own.labels.map((label) => {
      const row = document.createElement("div");
      row.className = "ct-bar";
      const name = Object.assign(document.createElement("b"), { textContent: label, title: label });
      row.append(name, document.createElement("span"), document.createElement("i"));
      return row;
    }),
  );
  part(".ct-times").replaceChildren();
}

function show({ probabilities, seconds }, round) {
  const best = probabilities.indexOf(Math.max(...probabilities));
  [...part(".ct-bars").children].forEach((row, i) => {
    row.classList.toggle("is-first", i === best);
    row.querySelector("span").textContent = `${(100 * probabilities[i]).toFixed(probabilities[i] > 0.995 || probabilities[i] < 0.0995 ? 1 : 0)} %`;
    row.querySelector("i").style.setProperty("--share", `${100 * probabilities[i]}%`);
  });
  root.dataset.best = own.labels[best];
  const now = performance.now();
  answered = [...answered.slice(-20), now].filter((time) => now - time < 5000);
  const rate = answered.length > 1 ? `${((1000 * (answered.length - 1)) / (now - answered[0])).toPrecision(2)} /s` : "first";
  const facts = { "model time": `${(1000 * seconds).toPrecision(3)} ms`, "there and back": `${round.toFixed(0)} ms`, ...(camera.on() ? { frames: rate } : {}) };
  part(".ct-times").replaceChildren(
    ...Object.entries(facts).map(([name, value]) => {
      const cell = document.createElement("span");
      cell.append(Object.assign(document.createElement("b"), { textContent: name }), ` ${value}`);
      return cell;
    }),
  );
  root.dataset.answers = Number(root.dataset.answers || 0) + 1;
}

async function ask(jpeg, still) {
  const begun = performance.now();
  let answer;
  try {
    answer = await server.classify_square({ name: own.name, jpeg });
  } catch {
    answer = { error: "The server did not answer: it may have been restarted." };
  }
  if (!still()) return "late";
  if (answer.error) {
    if (camera.on()) camera.stop(answer.error, "error");
    part(".ct-message").textContent = answer.error;
    root.dataset.state = "error";
    return "failed";
  }
  if (answer.busy) return "busy";
  show(answer, performance.now() - begun);
  return "shown";
}

async function loop() {
  const mine = run;
  while (camera.on() && mine === run && own) {
    const state = await ask(camera.frame(), () => mine === run);
    if (state === "busy") await new Promise((done) => setTimeout(done, BUSY_MILLISECONDS));
    else await new Promise((done) => requestAnimationFrame(done));
  }
}

part(".ct-start").addEventListener("click", async () => {
  Object.assign(part(".ct-picture"), { hidden: true });
  part("video").hidden = false;
  answered = [];
  if (await camera.start()) loop();
});
part(".ct-stop").addEventListener("click", () => camera.stop());
part(".ct-file").addEventListener("click", () => part("input").click());
part("input").addEventListener("change", async () => {
  const [file] = part("input").files;
  part("input").value = "";
  if (!file) return;
  if (camera.on()) camera.stop();
  try {
    const jpeg = await squareOfFile(file);
    Object.assign(part(".ct-picture"), { src: `data:image/jpeg;base64,${jpeg}`, hidden: false });
    part("video").hidden = true;
    root.dataset.state = "full";
    part(".ct-message").textContent = file.name;
    const mine = ++run;
    while ((await ask(jpeg, () => mine === run)) === "busy") await new Promise((done) => setTimeout(done, BUSY_MILLISECONDS));
  } catch (problem) {
    part(".ct-message").textContent = problem.message;
    root.dataset.state = "error";
  }
});
watch("value", receive);
receive();
