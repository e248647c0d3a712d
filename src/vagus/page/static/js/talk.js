// The talk box: what people and the robot said, and how it went.

import { $, make } from "./dom.js";
import { foldedPlan } from "./plan.js";
import { nameOf, t } from "./words.js";

const KEPT = 200;
const PICKS_MAX = 2; // things that it is suggested to pick up
const NEAR_M = 0.25; // of two things, one that is nearer by about this much is suggested first [m]
const ROUNDED_MS = 200; // ages are told to a tenth of a second: of lines that are no further apart, neither is known to be older

export class Talk {
  #link;
  #plan;
  #lines = [];
  #hasHand = false;
  #picks = [];

  constructor(link, plan) {
    this.#link = link;
    this.#plan = plan;
    $("talk-form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#say($("talk-input").value)) $("talk-input").value = "";
    });
  }

  greet(hello) {
    this.#lines = [];
    this.#picks = [];
    this.#hasHand = hello.has_hand;
    $("talk-input").maxLength = hello.max_say;
    $("talk-lines").replaceChildren();
    this.add(hello.talk, 0);
  }

  add(lines, lost) {
    const box = $("talk-lines");
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    for (const line of lines) this.#put({ ...line, at: timeOf(line.age_s) });
    this.#plan.end(lines.filter((line) => line.who === "outcome").map((line) => line.id));
    if (lost) box.append(make("li", { className: "line lost" }, t("talkLost", { n: lost })));
    while (this.#lines.length > KEPT) this.#lines.shift().node.remove();
    while (box.children.length > KEPT) box.firstChild.remove();
    if (isAtEnd || lines.some((line) => line.who === "person")) box.scrollTop = box.scrollHeight;
    this.#suggest();
  }

  /** Take up plans that are over: each is one line, where its end was told, or else where it was told of last. */
  plan() {
    for (const { plan, age_s: ageS } of this.#plan.past) {
      if (!this.#endOf(plan.id)) this.#put({ who: "outcome", id: plan.id, text: "", at: timeOf(ageS) });
    }
    for (const line of this.#lines) if (line.who === "outcome") this.#draw(line);
  }

  /** Suggest to pick up what is near and has a name of its own. */
  see(things) {
    if (!this.#hasHand) return;
    const kind = ({ colour, shape }) => `${colour} ${shape}`;
    const kinds = things.map(kind);
    const steps = ({ p: [x, y] }) => Math.round(Math.hypot(x, y) / NEAR_M);
    const picks = things.filter((thing) => kinds.indexOf(kind(thing)) === kinds.lastIndexOf(kind(thing)))
      .sort((a, b) => steps(a) - steps(b) || a.id - b.id).slice(0, PICKS_MAX);
    if (picks.map(kind).join() === this.#picks.map(kind).join()) return;
    this.#picks = picks;
    this.#suggest();
  }

  translate() {
    for (const line of this.#lines) {
      line.drawn = "";
      this.#draw(line);
    }
    $("talk-lines").scrollTop = $("talk-lines").scrollHeight;
    this.#suggest();
  }

  /** Put a line where it belongs by its time; the end of a plan that stands here already only gets its report. */
  #put(line) {
    const known = line.who === "outcome" ? this.#endOf(line.id) : null;
    if (known && !known.text) {
      known.text = line.text;
      this.#draw(known);
      return;
    }
    line.node = make("li");
    const next = this.#lines.findIndex((other) => other.at - line.at > ROUNDED_MS);
    if (next < 0 || line.text) {
      this.#lines.push(line);
      $("talk-lines").append(line.node);
    } else {
      this.#lines[next].node.before(line.node);
      this.#lines.splice(next, 0, line);
    }
    this.#draw(line);
  }

  #endOf(id) {
    return this.#lines.find((line) => line.who === "outcome" && line.id === id);
  }

  /** Draw a line anew if anything in it changed; one that was opened stays open. */
  #draw(line) {
    const plan = line.who === "outcome" ? this.#plan.of(line.id) : null;
    const drawn = JSON.stringify([line.text, plan]);
    if (line.drawn === drawn) return;
    const node = plan ? make("li", { className: "outcome" }, foldedPlan(plan)) : rowOf(line);
    if (line.node.querySelector("details[open]")) node.querySelector("details")?.setAttribute("open", "");
    line.node.replaceWith(node);
    Object.assign(line, { node, drawn });
  }

  #say(text) {
    if (!text.trim()) return false;
    return this.#link.send({ type: "say", text: text.trim() });
  }

  #suggest() {
    const box = $("suggestions");
    box.classList.toggle("first", this.#lines.length === 0);
    const words = make("span", {}, this.#lines.length ? "" : t("talkEmpty"));
    const picks = this.#picks.map((thing) => t("suggestPick", { name: nameOf(thing) }));
    const chips = [...picks, ...t("suggestions")].map((text) => {
      const chip = make("button", { type: "button", className: "chip" }, text);
      chip.addEventListener("click", () => this.#say(text));
      return chip;
    });
    box.replaceChildren(...(this.#lines.length ? [] : [words]), ...chips);
  }
}

function timeOf(ageS) {
  return new Date(Date.now() - 1000 * ageS);
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
