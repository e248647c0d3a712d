// The plan: what the robot is about to do, does, or did last, step by step, and why not where it does not.

import { $, languageOf, make, put, tag } from "./dom.js";
import { t } from "./words.js";

const MARKS = {
  looking: "…", running: "▶", done: "✓", failed: "✗", refused: "⊘", asking: "?", stopped: "■", waiting: "○", skipped: "–",
}; // what a state looks like without its colour
const TONES = { looking: "calm", running: "calm", done: "run", failed: "danger", refused: "warn", asking: "warn", stopped: "idle", waiting: "idle", skipped: "idle" };
const OVER = ["done", "failed", "refused", "stopped"];
const LEFT = { running: "stopped", waiting: "skipped" }; // what becomes of steps when their plan is over
const GOING_ON = ["looking", "running"];
const END_WAIT_MS = 1000; // the end of a plan may be told a little after the end of what was said

export class Plan {
  #told = { plans: [], unreadable: null };
  #ended = new Set(); // utterances that an outcome was told of
  #news = "";
  #onEnd;

  constructor(onEnd) {
    this.#onEnd = onEnd;
  }

  greet() {
    this.#told = { plans: [], unreadable: null };
    this.#ended.clear();
    this.#show();
  }

  /** Take the last plans, the newest at the end. */
  take(told) {
    this.#told = told;
    this.#show();
  }

  /** Note which utterances have come to an end: a plan of one that then still says "running" was given up. */
  end(ids) {
    if (!ids.length) return;
    setTimeout(() => {
      for (const id of ids) this.#ended.add(id);
      this.#show();
      this.#onEnd();
    }, END_WAIT_MS);
  }

  translate() {
    this.#news = "";
    this.#show();
  }

  /** The plan of an utterance with its true state, null if there is none. */
  of(id) {
    const plan = this.#told.plans.findLast((line) => line.plan.id === id)?.plan;
    return plan ? { ...plan, state: this.#stateOf(plan) } : null;
  }

  /** Numbers of the things that the running steps are about. */
  get about() {
    const plan = this.#newest();
    const running = plan && GOING_ON.includes(plan.state) ? plan.steps.filter((step) => step.state === "running") : [];
    return new Set(running.flatMap((step) => step.things));
  }

  /** Plans that another one has followed. */
  get past() {
    return this.#told.plans.slice(0, -1);
  }

  #newest() {
    const id = this.#told.plans.at(-1)?.plan.id;
    return id === undefined ? null : this.of(id);
  }

  /** What a plan says of itself, unless it says that it goes on and cannot: it came to an end, or another one follows it. */
  #stateOf(plan) {
    const isOver = this.#ended.has(plan.id) || this.#told.plans.at(-1).plan.id !== plan.id;
    return GOING_ON.includes(plan.state) && isOver ? "stopped" : plan.state;
  }

  #show() {
    const plan = this.#newest();
    $("plan").hidden = !plan && !this.#told.unreadable;
    $("plan-note").hidden = !this.#told.unreadable;
    put($("plan-note-text"), t("planUnreadable"));
    put($("plan-note-detail"), this.#told.unreadable ?? "");
    for (const id of ["plan-state", "plan-words", "plan-why", "plan-steps"]) $(id).hidden = !plan;
    if (!plan) return;
    tag($("plan"), "state", plan.state);
    tag($("plan"), "tone", TONES[plan.state]);
    put($("plan-state"), `${MARKS[plan.state]} ${t(`planState.${plan.state}`)}`);
    say($("plan-words"), plan.words);
    $("plan-words").title = t(`planBy.${plan.by}`);
    $("plan-why").hidden = !plan.why;
    say($("plan-why"), plan.why);
    $("plan-steps").replaceChildren(...rowsOf(plan));
    this.#follow();
    this.#announce(plan);
  }

  /** Keep the running step in sight, without moving the page. */
  #follow() {
    const box = $("plan-steps");
    const row = box.querySelector("[aria-current=step], [data-state=failed]");
    if (!row) return;
    const before = row.previousElementSibling ?? row; // stays in sight, too, where there is room for both
    const isRoom = row.offsetTop + row.clientHeight - before.offsetTop <= box.clientHeight;
    box.scrollTop = (isRoom ? before : row).offsetTop - box.offsetTop;
  }

  /** Tell who cannot see it what is new, once. */
  #announce(plan) {
    const n = plan.steps.findIndex((step) => step.state === "running");
    const step = plan.steps[n];
    const where = step ? t("planStep", { n: n + 1, of: plan.steps.length, text: step.text }) : "";
    const news = [`${t("plan")}: ${t(`planState.${plan.state}`)}.`, plan.why || (step ? where : plan.words)].join(" ");
    if (news !== this.#news) put($("plan-news"), news);
    this.#news = news;
  }
}

/** Steps as rows of a list: mark, words, state, and why one failed. */
function rowsOf(plan) {
  return plan.steps.map((step) => {
    const state = OVER.includes(plan.state) ? (LEFT[step.state] ?? step.state) : step.state;
    const row = make("li", { data: { state, tone: TONES[state] } },
      make("span", { className: "mark", aria: { hidden: "true" } }, MARKS[state]),
      say(make("span", { className: "text" }), step.text || step.skill),
      make("span", { className: "state" }, t(`stepState.${state}`)));
    if (state === "running") row.setAttribute("aria-current", "step");
    if (step.why && step.why !== plan.why) row.append(say(make("p", { className: "why" }), step.why));
    return row;
  });
}

/** A plan that has come to its end, in a line that opens. */
export function foldedPlan(plan) {
  const end = make("b", { data: { tone: TONES[plan.state] } }, `${MARKS[plan.state]} ${t(`planState.${plan.state}`)}`);
  const line = make("summary", {}, end, " · ", say(make("span"), plan.words || plan.why));
  const box = make("details", {}, line);
  if (plan.why) box.append(say(make("p", { className: "why" }), plan.why));
  if (plan.steps.length) box.append(make("ol", { className: "steps" }, ...rowsOf(plan)));
  return box;
}

/** Put words in that the robot said: in their own language and direction, never as HTML. */
function say(node, words) {
  put(node, words);
  node.lang = languageOf(words);
  node.dir = "auto";
  return node;
}
