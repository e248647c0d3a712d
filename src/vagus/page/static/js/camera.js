// The robot's camera: the newest picture, how old it is, its exposure counter, and what the robot makes of it; a dead
// camera is shown as dead.

import { $, make, put, tag } from "./dom.js";
import { currentLanguage, nameOf, t } from "./words.js";

const MARKS_SCALE = 2; // lines and letters are drawn finer than the picture
const MARKS_MAX_MS = 2000; // marks of a picture older than this say nothing about the one that is shown
const LETTER = 20; // height of a name [px of the marks]
const SEEN = "#35e0d0";
const MADE_OUT = "#c59bff"; // by a detector: what it is like, not where it stands
const ABOUT = "#ffc233"; // what the robot is busy with

export class Camera {
  #cameras = [];
  #sensors = [];
  #shown = 0;
  #counter = null;
  #takenMs = 0;
  #isDecoding = false;
  #marks = null;
  #marksMs = 0;
  #about = new Set();
  #onChoice;

  constructor(onChoice) {
    this.#onChoice = onChoice;
    $("camera-choice").addEventListener("change", (event) => {
      this.#shown = Number(event.target.value);
      this.#counter = null;
      this.#fit();
      this.#onChoice();
    });
    setInterval(() => this.show(), 100);
  }

  /** The name of the camera to show, null when there is none. */
  get name() {
    return this.#cameras[this.#shown]?.name ?? null;
  }

  greet(hello) {
    this.#cameras = hello.cameras;
    this.#sensors = hello.sensors;
    this.#shown = Math.min(this.#shown, Math.max(0, hello.cameras.length - 1));
    this.#counter = null;
    $("camera-choice").replaceChildren(...hello.cameras.map((camera, i) => make("option", { value: String(i) }, camera.name)));
    $("camera-choice").hidden = hello.cameras.length < 2;
    this.#fit();
    this.show();
  }

  async take({ camera, counter, ageS, jpeg }) {
    if (camera !== this.#shown || this.#isDecoding) return;
    this.#isDecoding = true;
    try {
      const arrivedMs = performance.now();
      const bitmap = await createImageBitmap(jpeg);
      $("camera-canvas").getContext("2d").drawImage(bitmap, 0, 0);
      bitmap.close();
      this.#counter = counter;
      this.#takenMs = arrivedMs - 1000 * ageS;
    } finally {
      this.#isDecoding = false;
    }
    this.show();
  }

  /** Take what the robot sees in the picture it looked at last. */
  mark(seen) {
    this.#marks = seen;
    this.#marksMs = performance.now() - 1000 * seen.age_s;
    this.#drawMarks();
  }

  /** Point out the things with these numbers: those that the robot is busy with. */
  point(about) {
    this.#about = about;
    this.#drawMarks();
  }

  translate() {
    this.#drawMarks();
    this.show();
  }

  #drawMarks() {
    const canvas = $("camera-marks");
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const isOld = performance.now() - this.#marksMs > MARKS_MAX_MS;
    const seen = isOld ? [] : (this.#marks?.things ?? []).filter((thing) => thing.box);
    tag($("camera"), "seen", String(seen.length));
    tag($("camera"), "about", String(seen.filter((thing) => this.#about.has(thing.id)).length));
    pen.font = "600 18px system-ui, sans-serif";
    pen.lineJoin = "round";
    const isAbout = (thing) => Number(this.#about.has(thing.id));
    const taken = [];
    for (const thing of seen.toSorted((a, b) => isAbout(b) - isAbout(a))) {
      const name = isAbout(thing) ? `▶ ${nameOf(thing)}` : nameOf(thing);
      drawMark(pen, thing.box, name, isAbout(thing) ? { colour: ABOUT, width: 7 } : { colour: SEEN, width: 2.5 }, taken);
    }
    const sights = isOld ? [] : (this.#marks?.sights ?? []);
    tag($("camera"), "sights", String(sights.length));
    for (const sight of sights) {
      const name = `${sight.name[currentLanguage() === "ko" ? 1 : 0]} ${Math.round(100 * sight.score)} %`;
      drawMark(pen, sight.box, name, { colour: MADE_OUT, width: 2, dash: [9, 7] }, taken);
    }
  }

  show() {
    if (this.#marks && performance.now() - this.#marksMs > MARKS_MAX_MS) {
      this.#marks = null;
      this.#drawMarks();
    }
    const camera = this.#cameras[this.#shown];
    const box = $("camera");
    if (!camera) {
      tag(box, "state", "none");
      put($("camera-message"), t("noCamera"));
      put($("camera-info"), "");
      put($("camera-name"), "");
      return;
    }
    put($("camera-name"), camera.name);
    if (this.#counter === null) {
      tag(box, "state", "waiting");
      put($("camera-message"), t("waitingCamera"));
      put($("camera-info"), "");
      return;
    }
    const ageMs = Math.max(0, performance.now() - this.#takenMs);
    const limit = this.#sensors.find((sensor) => sensor.name === camera.name)?.max_age_s ?? 1;
    const isStale = ageMs > 1000 * Math.max(limit, 0.5);
    tag(box, "state", isStale ? "stale" : "live");
    put($("camera-message"), isStale ? t("cameraStale", { s: (ageMs / 1000).toFixed(0) }) : "");
    put($("camera-info"), `${t("exposure", { n: this.#counter })} · ${t("msAgo", { ms: Math.round(ageMs) })}`);
  }

  #fit() {
    const camera = this.#cameras[this.#shown];
    const canvas = $("camera-canvas");
    canvas.width = camera?.width ?? 320;
    canvas.height = camera?.height ?? 240;
    const marks = $("camera-marks");
    marks.width = MARKS_SCALE * canvas.width;
    marks.height = MARKS_SCALE * canvas.height;
  }
}

/** Draw an outline, and its name above or below where no other name is taken to be. */
function drawMark(pen, box, name, { colour, width, dash = [] }, taken) {
  const [left, top, right, bottom] = box.map((x) => MARKS_SCALE * x);
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.setLineDash(dash);
  pen.strokeRect(left - 3, top - 3, right - left + 8, bottom - top + 8);
  pen.setLineDash([]);
  const wide = pen.measureText(name).width;
  const x = Math.max(2, Math.min(left - 3, pen.canvas.width - wide - 4));
  const isFree = (y) => y > LETTER && y < pen.canvas.height && taken.every((t) => x > t.right || x + wide < t.x || Math.abs(y - t.y) > LETTER);
  const y = [top - 10, bottom + 24].find(isFree);
  if (y === undefined) return;
  taken.push({ x, y, right: x + wide });
  pen.strokeStyle = "rgb(10 12 16 / 75%)";
  pen.lineWidth = 5;
  pen.strokeText(name, x, y);
  pen.fillStyle = colour === SEEN ? "#fff" : colour;
  pen.fillText(name, x, y);
}
