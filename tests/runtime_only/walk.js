// Keeps what was asked of the app and what it answered in `window.runtime`, and marks what a visitor would press.
(() => {
  const runtime = (window.runtime = { asked: 0, completed: 0, answers: 0, failures: [] });
  const plainFetch = window.fetch;

  async function collect(stream) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      const messages = (text + value).split("\n\n");
      text = messages.pop();
      for (const message of messages) {
        const event = JSON.parse(message.replace(/^data: ?/, ""));
        if (event.msg === "process_completed") runtime.completed += 1;
        if (!["process_generating", "process_completed"].includes(event.msg)) continue;
        if (event.success) runtime.answers += 1;
        else runtime.failures.push(String(event.output?.error));
      }
    }
  }

  window.fetch = async (...request) => {
    const address = String(request[0]?.url ?? request[0]);
    if (address.includes("/queue/join")) runtime.asked += 1;
    const response = await plainFetch(...request);
    if (!response.body || !address.includes("/queue/data")) return response;
    const [forTheApp, forTheTest] = response.body.tee();
    collect(forTheTest).catch((error) => {
      if (error.name !== "AbortError") throw error;
    });
    return new Response(forTheApp, response);
  };

  // Whether the page that is open in the tab `selector` shows a button or a sentence: Gradio draws a page when it is opened.
  runtime.drawn = (selector) => {
    const panels = [...document.querySelectorAll(`${selector} [role=tabpanel]`)];
    const panel = panels.find((each) => each.checkVisibility());
    return Boolean(panel) && (runtime.mark(panel) > 0 || panel.innerText.length > 40);
  };

  // Of the page `panel`: an example that comes before the main button, then the main button; where there is no main
  // button, the first example, or else the first button with a name. Returns how many were marked `data-walk`.
  runtime.mark = (panel) => {
    const buttons = [...panel.querySelectorAll("button")].filter(
      (button) =>
        button.checkVisibility() &&
        !button.disabled &&
        button.getAttribute("role") !== "tab" &&
        /\w/.test(button.innerText) &&
        !button.matches(".label-wrap, .upload-container, .reset-button"),
    );
    const main = buttons.findIndex((button) => button.classList.contains("primary"));
    const example = buttons.findIndex((button) => button.classList.contains("secondary"));
    const wanted = main < 0 ? [example < 0 ? 0 : example] : example >= 0 && example < main ? [example, main] : [main];
    const chosen = wanted.map((place) => buttons[place]).filter(Boolean);
    chosen.forEach((button, place) => button.setAttribute("data-walk", place));
    return chosen.length;
  };
})();
