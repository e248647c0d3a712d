// What the robot says of itself: the whole, each group's state with its cause in words, and the processes.

import { $, duration, make, put, tag } from "./dom.js";
import { readable, t } from "./words.js";

const TONES = { off: "idle", standby: "idle", hold: "calm", run: "run", stopping: "warn", damped: "warn", estop: "danger" };
const ORDER = ["estop", "damped", "stopping", "run", "standby", "off", "hold"]; // the first that any group is in names the whole
const SILENT_S = 0.5;
const STOPPED_FROM = 1 << 16; // verdicts from here on ended a motion

export class Status {
  #hello = null;
  #chips = [];
  #rows = [];
  #state = null;
  #figures = null;

  greet(hello) {
    this.#hello = hello;
    this.#build();
  }

  translate() {
    if (!this.#hello) return;
    this.#build();
    if (this.#state) this.update(this.#state);
    if (this.#figures) this.processes(this.#figures);
  }

  #build() {
    this.#chips = this.#hello.groups.map((group) => {
      const state = make("span", { className: "figure" }, "–");
      const item = make("li", { className: "chip-state", data: { tone: "idle" } }, make("b", {}, readable(group.name)), state);
      return { item, state };
    });
    $("group-chips").replaceChildren(...this.#chips.map((chip) => chip.item));
    this.#rows = this.#hello.groups.map((group) => {
      const state = make("strong", {}, "–");
      const holder = make("span", { className: "holder" });
      const cause = make("p", { className: "cause" });
      const item = make("li", { data: { tone: "idle" } },
        make("div", { className: "line" }, make("h3", {}, readable(group.name)), state, holder), cause);
      return { item, state, holder, cause };
    });
    $("group-list").replaceChildren(...this.#rows.map((row) => row.item));
  }

  /** Whether any group is in emergency stop, by a fresh word of the reflex. */
  isLatched(state) {
    return state.groups.some((group) => this.#hello.states[group[0]] === "estop");
  }

  update(state) {
    this.#state = state;
    const isSilent = state.reflex_age_s === null || state.reflex_age_s > SILENT_S || !state.groups.length;
    this.#showWhole(state, isSilent);
    this.#hello.groups.forEach((group, i) => this.#showGroup(i, isSilent ? null : state.groups[i]));
    if (!$("pane-groups").hidden) this.#showFacts(state);
  }

  #showWhole(state, isSilent) {
    const names = new Set(state.groups.map((group) => this.#hello.states[group[0]]));
    const name = ORDER.find((candidate) => names.has(candidate)) ?? "off";
    tag($("whole"), "tone", isSilent ? "warn" : TONES[name]);
    put($("whole-state"), isSilent ? t("stateSilent") : t(`state.${name}`));
    const rest = state.is_at_rest === null ? "restUnknown" : state.is_at_rest ? "restYes" : "restNo";
    put($("whole-rest"), isSilent ? t("stateSilentText") : t(rest));
  }

  #showGroup(i, group) {
    const { item, state, holder, cause } = this.#rows[i];
    const name = group ? this.#hello.states[group[0]] : null;
    const tone = name ? TONES[name] : "warn";
    const words = name ? t(`state.${name}`) : t("stateSilent");
    tag(this.#chips[i].item, "tone", tone);
    put(this.#chips[i].state, words);
    if ($("pane-groups").hidden) return;
    tag(item, "tone", tone);
    put(state, words);
    const who = group ? this.#hello.sources[group[3]] : "nobody";
    put(holder, who === "nobody" ? t("holderNobody") : t("holder", { who: t(`source.${who}`) }));
    put(cause, group ? this.#causes(group) : "");
  }

  #causes([, cause, verdict]) {
    const lines = [];
    const stops = this.#names(cause).filter(([bit]) => bit >= STOPPED_FROM || !(verdict & bit));
    if (stops.length) lines.push(t("lastCause", { cause: stops.map(([, name]) => t(`verdict.${name}`)).join(", ") }));
    const now = this.#names(verdict);
    if (now.length) lines.push(t("lately", { cause: now.map(([, name]) => t(`verdict.${name}`)).join(", ") }));
    return lines.join(" · ");
  }

  #names(bits) {
    return Object.entries(this.#hello.verdicts).map(([bit, name]) => [Number(bit), name]).filter(([bit]) => bits & bit);
  }

  #showFacts(state) {
    const ago = (age) => (age === null ? t("never") : t("ago", { t: duration(age) }));
    const facts = [
      ["reflexAge", ago(state.reflex_age_s)], ["jointAge", ago(state.joint_age_s)],
      ["watchdog", state.is_braking === null ? "–" : t(state.is_braking ? "watchdogBrakes" : "watchdogQuiet")],
      ["reflexOverruns", String(state.overruns)], ["refused", String(state.refused)], ["limited", String(state.limited)],
    ];
    const box = $("reflex-facts");
    if (box.children.length !== facts.length) {
      box.replaceChildren(...facts.map(() => make("div", {}, make("dt"), make("dd", { className: "figure" }))));
    }
    facts.forEach(([key, value], i) => {
      put(box.children[i].firstChild, t(key));
      put(box.children[i].lastChild, value);
    });
  }

  /** The connection is lost: nothing shown is known to be true any more. */
  disconnect() {
    this.#state = null;
    tag($("whole"), "tone", "warn");
    put($("whole-state"), t("lost"));
    put($("whole-rest"), "");
  }

  processes(figures) {
    this.#figures = figures;
    if ($("pane-processes").hidden) return;
    const heads = ["process", "cpu", "memory", "overruns", "lostMessages", "latest", "realtime", "age"];
    const table = $("table-processes");
    table.tHead.replaceChildren(make("tr", {}, ...heads.map((key) => make("th", { scope: "col" }, t(key)))));
    table.tBodies[0].replaceChildren(...figures.processes.map((row) => {
      const isSilent = row.age_s > 3;
      const cells = [
        row.cpu === null ? "–" : `${(100 * row.cpu).toFixed(0)} %`, `${(row.rss_bytes / 2 ** 20).toFixed(0)} MB`,
        String(row.overruns), String(row.lost), row.wake_error_max_s ? duration(row.wake_error_max_s) : "–",
        row.realtime_factor ? `× ${row.realtime_factor.toFixed(2)}` : "–",
        isSilent ? t("silentProcess") : duration(row.age_s),
      ];
      return make("tr", { className: isSilent ? "silent" : "" }, make("th", { scope: "row" }, readable(row.name), make("small", {}, `${t("pid")} ${row.pid}`)),
        ...cells.map((text) => make("td", { className: "figure" }, text)));
    }));
  }
}
