// Tokens as a line of buttons that wraps: each can be hovered and picked; shading says how much each one counts.
const tokenStrip = (element, { onHover, onPick }) => {
  let buttons = [];

  const readable = (token) => (token.trim() === "" ? "␣" : token.trim());

  const show = (tokens) => {
    buttons = tokens.map((token, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "ts-token";
      button.dataset.index = index;
      button.textContent = readable(token);
      if (/^\s/.test(token) || index === 0) button.classList.add("ts-word");
      button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && onHover(index));
      button.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && onHover(null));
      button.addEventListener("focus", () => button.matches(":focus-visible") && onHover(index));
      button.addEventListener("blur", () => onHover(null));
      button.addEventListener("click", () => onPick(index));
      return button;
    });
    element.replaceChildren(...buttons);
  };

  // share(index) in 0..1, or null for no shading; `selected` is outlined.
  const shade = (share, selected) => {
    buttons.forEach((button, index) => {
      button.setAttribute("aria-pressed", index === selected);
      button.style.setProperty("--ts-share", share ? `${Math.round(85 * Math.sqrt(share(index)))}%` : "0%");
    });
  };

  return { show, shade };
};
