// Moving the robot by hand: taking control, held jog buttons, the drive pad. A held button is said again and again;
// when this stops saying it, for whatever reason, the robot stops.

import { $, make, put } from "./dom.js";
import { readable, t } from "./words.js";

const KEEP_MS = 100;
const ARROWS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };

export class Control {
  #link;
  #hello = null;
  #rows = [];
  #held = new Map(); // joint name → direction
  #drive = new Set();
  #isAsked = false;
  #control = { page: null, is_granted: false };

  constructor(link) {
    this.#link = link;
    $("take").addEventListener("click", () => this.#toggle());
    $("speed").addEventListener("input", () => put($("speed-value"), `${$("speed").value} %`));
    for (const button of document.querySelectorAll("[data-drive]")) {
      holdable(button, () => this.#startDrive(button.dataset.drive), () => this.#stopDrive(button.dataset.drive));
    }
    window.addEventListener("keydown", (event) => this.#key(event, true));
    window.addEventListener("keyup", (event) => this.#key(event, false));
    window.addEventListener("blur", () => this.letGo());
    setInterval(() => this.#keep(), KEEP_MS);
  }

  get isYours() {
    return this.#hello !== null && this.#control.page === this.#hello.you;
  }

  /** Build the panel for this robot. */
  greet(hello) {
    this.letGo();
    this.#hello = hello;
    this.#isAsked = false;
    $("drive").hidden = !hello.has_base;
    this.#build();
  }

  /** Show it again, in another language. */
  translate() {
    if (this.#hello) this.#build();
    this.show(this.#control);
  }

  #build() {
    const wheels = new Set(this.#hello.has_base ? this.#hello.joints.filter((j) => j.mode === "velocity").map((j) => j.name) : []);
    this.#rows = [];
    const groups = this.#hello.groups.map((group) => {
      const body = make("div", { className: "rows" });
      for (const index of group.joints) {
        if (!wheels.has(this.#hello.joints[index].name)) body.append(this.#row(index));
      }
      if (!body.children.length) return null;
      if (body.children.length === 1) return body; // its one joint says its name
      const id = `jog-${group.name}`;
      return make("section", { className: "jog-group", aria: { labelledby: id } }, make("h3", { id }, readable(group.name)), body);
    });
    $("jog").replaceChildren(...groups.filter(Boolean));
  }

  #row(index) {
    const joint = this.#hello.joints[index];
    const label = readable(joint.name);
    const minus = make("button", { type: "button", className: "step", aria: { label: t("jogMinus", { joint: label }) }, data: { joint: joint.name, direction: "-1" } }, "−");
    const plus = make("button", { type: "button", className: "step", aria: { label: t("jogPlus", { joint: label }) }, data: { joint: joint.name, direction: "1" } }, "+");
    const mark = make("i");
    const value = make("span", { className: "figure value" }, "–");
    for (const [button, direction] of [[minus, -1], [plus, 1]]) {
      holdable(button, () => this.#startJog(joint.name, direction), () => this.#stopJog(joint.name));
    }
    this.#rows.push({ index, joint, mark, value });
    return make("div", { className: "jog" },
      make("span", { className: "name", title: joint.name }, readable(inGroup(joint.name, this.#hello.groups[joint.group]))),
      minus, make("span", { className: "range" }, mark), plus, value);
  }

  /** Show where the joints are; called often, so it touches only what changed. */
  update(state) {
    this.show(state.control);
    if ($("pane-control").hidden) return;
    for (const { index, joint, mark, value } of this.#rows) {
      const q = joint.mode === "velocity" ? state.v[index] : state.q[index];
      put(value, reading(q, joint));
      if (joint.range && q !== null) {
        const part = Math.min(1, Math.max(0, (q - joint.range[0]) / (joint.range[1] - joint.range[0])));
        mark.style.left = `${(100 * part).toFixed(1)}%`;
      }
    }
  }

  show(control) {
    this.#control = control;
    const isYours = this.isYours;
    if (control.page !== null) this.#isAsked = false;
    if (!isYours && this.#held.size + this.#drive.size) this.letGo();
    const kind = isYours ? (control.is_granted ? "Yours" : "Asking") : control.page === null ? "Free" : "Other";
    put($("control-title"), t(`control${kind}`, { n: control.page }));
    put($("control-text"), t(`control${kind}Text`, { n: control.page }));
    put($("take"), t(isYours ? "release" : this.#isAsked ? "taking" : "take"));
    $("take").disabled = kind === "Other" || !this.#link.isOpen;
    $("take").classList.toggle("primary", !isYours);
    const controls = $("controls");
    if (controls.dataset.enabled !== String(isYours)) {
      controls.dataset.enabled = String(isYours);
    }
    for (const button of controls.querySelectorAll("button")) if (button.disabled === isYours) button.disabled = !isYours;
  }

  /** Let go of every button, and say so. */
  letGo() {
    for (const joint of [...this.#held.keys()]) this.#stopJog(joint);
    for (const side of [...this.#drive]) this.#stopDrive(side);
    for (const button of document.querySelectorAll(".held")) button.classList.remove("held");
  }

  /** Give control back, because nobody looks at this page any more. */
  leave() {
    this.letGo();
    if (this.isYours) this.#link.send({ type: "release" });
  }

  #toggle() {
    this.#isAsked = !this.isYours;
    this.#link.send({ type: this.isYours ? "release" : "take" });
    setTimeout(() => {
      this.#isAsked = false;
    }, 1500);
  }

  #keep() {
    if (!this.isYours || document.hidden) return;
    this.#link.send({ type: "keep" });
    for (const [joint, direction] of this.#held) this.#sendJog(joint, direction);
    if (this.#drive.size) this.#sendDrive();
  }

  #startJog(joint, direction) {
    if (!this.isYours) return;
    this.#held.set(joint, direction);
    this.#sendJog(joint, direction);
  }

  #stopJog(joint) {
    if (this.#held.delete(joint)) this.#sendJog(joint, 0);
  }

  #sendJog(joint, direction) {
    this.#link.send({ type: "jog", joint, direction, speed: Number($("speed").value) / 100 });
  }

  #startDrive(side) {
    if (!this.isYours) return;
    this.#drive.add(side);
    this.#sendDrive();
  }

  #stopDrive(side) {
    if (this.#drive.delete(side)) this.#sendDrive();
  }

  #sendDrive() {
    const has = (side) => Number(this.#drive.has(side));
    const speed = Number($("speed").value) / 100;
    this.#link.send({ type: "drive", v: speed * (has("up") - has("down")), w: speed * (has("left") - has("right")) });
  }

  #key(event, isDown) {
    const side = ARROWS[event.key];
    if (!side || !this.#hello?.has_base) return;
    const button = document.querySelector(`[data-drive="${side}"]`);
    if (!isDown) {
      button.classList.remove("held");
      this.#stopDrive(side);
      return;
    }
    if (!this.isYours || event.target.closest("input, select, textarea, [role=tab], dialog, canvas")) return;
    event.preventDefault();
    if (!event.repeat) {
      button.classList.add("held");
      this.#startDrive(side);
    }
  }
}

/** Call `start` while the button is held down by pointer, Space or Enter, and `stop` when it is let go in any way. */
function holdable(button, start, stop) {
  let isHeld = false;
  const begin = () => {
    if (isHeld || button.disabled) return;
    isHeld = true;
    button.classList.add("held");
    start();
  };
  const end = () => {
    if (!isHeld) return;
    isHeld = false;
    button.classList.remove("held");
    stop();
  };
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    begin();
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(name, end);
  button.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    begin();
  });
  button.addEventListener("keyup", (event) => {
    if (event.key === " " || event.key === "Enter") end();
  });
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  window.addEventListener("blur", end);
}

/** A joint's name without the side that its group's name says already. */
function inGroup(joint, group) {
  if (group.joints.length === 1) return joint;
  const side = ["left", "right"].find((one) => group.name.split("_").includes(one) && joint.startsWith(`${one}_`));
  return side ? joint.slice(side.length + 1) : joint;
}

function reading(q, joint) {
  if (q === null || q === undefined) return "–";
  const shown = (x) => x.toFixed(1).replace(/^-0\.0$/, "0.0");
  if (joint.mode === "velocity") return `${shown(q)} ${joint.unit}/s`;
  return joint.unit === "rad" ? `${shown((q * 180) / Math.PI)}°` : `${shown(q * 100)} cm`;
}
