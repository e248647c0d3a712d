// The talk box: what people and the robot said, and how it went.

import { $, make } from "./dom.js";
import { t } from "./words.js";

const KEPT = 200;

export class Talk {
  #link;
  #lines = [];

  constructor(link) {
    this.#link = link;
    $("talk-form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#say($("talk-input").value)) $("talk-input").value = "";
    });
  }

  greet(hello) {
    this.#lines = [];
    $("talk-input").maxLength = hello.max_say;
    $("talk-lines").replaceChildren();
    this.add(hello.talk, 0);
  }

  add(lines, lost) {
    const box = $("talk-lines");
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    for (const line of lines) {
      this.#lines.push({ ...line, at: new Date(Date.now() - 1000 * line.age_s) });
      box.append(rowOf(this.#lines.at(-1)));
    }
    if (lost) box.append(make("li", { className: "line lost" }, t("talkLost", { n: lost })));
    while (this.#lines.length > KEPT) this.#lines.shift();
    while (box.children.length > KEPT) box.firstChild.remove();
    if (isAtEnd || lines.some((line) => line.who === "person")) box.scrollTop = box.scrollHeight;
    this.#suggest();
  }

  translate() {
    $("talk-lines").replaceChildren(...this.#lines.map(rowOf));
    $("talk-lines").scrollTop = $("talk-lines").scrollHeight;
    this.#suggest();
  }

  #say(text) {
    if (!text.trim()) return false;
    return this.#link.send({ type: "say", text: text.trim() });
  }

  #suggest() {
    const box = $("suggestions");
    box.classList.toggle("first", this.#lines.length === 0);
    const words = make("span", {}, this.#lines.length ? "" : t("talkEmpty"));
    const chips = t("suggestions").map((text) => {
      const chip = make("button", { type: "button", className: "chip" }, text);
      chip.addEventListener("click", () => this.#say(text));
      return chip;
    });
    box.replaceChildren(...(this.#lines.length ? [] : [words]), ...chips);
  }
}

function rowOf(line) {
  const time = line.at.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  if (line.who === "outcome") return outcomeOf(line);
  const who = make("span", { className: "who" }, t(line.who));
  return make("li", { className: "line", data: { who: line.who } },
    make("div", { className: "meta" }, who, make("time", { dateTime: line.at.toISOString() }, time)),
    make("p", { dir: "auto" }, line.text));
}

/** How a task ended, in a line; the robot says why in its own words. Text that is no report is shown as it is. */
function outcomeOf(line) {
  let report = null;
  try {
    report = JSON.parse(line.text);
  } catch {
    // not a report
  }
  if (typeof report?.ok !== "boolean") return make("li", { className: "outcome" }, line.text);
  const steps = (report.steps ?? []).map((step) => `${step.ok ? "✓" : "✗"} ${step.skill}`).join(", ");
  const words = `${report.ok ? "✓" : "✗"} ${t(report.ok ? "outcomeDone" : "outcomeFailed")}`;
  return make("li", { className: "outcome", data: { ok: String(report.ok) }, title: line.text },
    make("b", {}, words), steps ? ` · ${steps}` : "");
}
