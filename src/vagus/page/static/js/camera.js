// The robot's camera: the newest picture, how old it is, and its exposure counter; a dead camera is shown as dead.

import { $, make, put, tag } from "./dom.js";
import { t } from "./words.js";

export class Camera {
  #cameras = [];
  #sensors = [];
  #shown = 0;
  #counter = null;
  #takenMs = 0;
  #isDecoding = false;
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

  show() {
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
  }
}
