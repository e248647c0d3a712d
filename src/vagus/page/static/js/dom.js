// Small helpers to build and find elements; no words, no state.

export const $ = (id) => document.getElementById(id);

/** Make an element: make("td", { className: "num" }, "12", otherNode). */
export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "data") Object.assign(node.dataset, value);
    else if (key === "aria") for (const [name, text] of Object.entries(value)) node.setAttribute(`aria-${name}`, text);
    else node[key] = value;
  }
  node.append(...children);
  return node;
}

/** Set text only when it changed: twenty times a second, most of it did not. */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set an attribute only when it changed. */
export function tag(node, name, value) {
  if (node.dataset[name] !== value) node.dataset[name] = value;
}

/** The language that words are in: Korean where there is Hangul, else English. */
export function languageOf(words) {
  return /[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]/.test(words) ? "ko" : "en";
}

/** An age or a duration in the unit people read it in. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.0995) return `${(seconds * 1e3).toFixed(1)} ms`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1e3)} ms`;
  if (seconds < 99.5) return `${seconds.toFixed(1)} s`;
  return `${Math.round(seconds / 60)} min`;
}

/** A short message that goes away by itself. */
export function toast(text, isError = true) {
  const box = $("toasts");
  for (const old of box.children) if (old.textContent === text) old.remove();
  const node = make("div", { className: isError ? "toast error" : "toast" }, text);
  box.append(node);
  while (box.children.length > 3) box.firstChild.remove();
  setTimeout(() => node.remove(), isError ? 7000 : 4000);
}
