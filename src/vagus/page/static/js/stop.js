// Emergency stop: by button and Escape, over the live connection and, until it is confirmed, by plain HTTP as well.
// A stop counts as done only when the reflex says so and the joints' own readings show rest.

import { $, put } from "./dom.js";
import { t } from "./words.js";

const RETRY_MS = 250;
const TRIES = 8;

export class Stop {
  #link;
  #tries = 0;
  #timer = null;
  #isLatched = false;
  #isUnconfirmed = false;
  #isAtRest = null;

  constructor(link) {
    this.#link = link;
    $("stop").addEventListener("click", () => this.stop());
    // Before anything else on the page can take the key: no dialog and no text box keeps it from stopping the robot.
    window.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.repeat) this.stop();
    }, { capture: true });
    $("reset").addEventListener("click", () => $("reset-dialog").showModal());
    $("reset-cancel").addEventListener("click", () => $("reset-dialog").close());
    $("reset-confirm").addEventListener("click", () => {
      this.#link.send({ type: "reset" });
      $("reset-dialog").close();
    });
  }

  stop() {
    const isSent = this.#link.send({ type: "estop" });
    if (!isSent) post();
    this.#tries = 0;
    this.#isUnconfirmed = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#insist(), RETRY_MS);
    if ($("reset-dialog").open) $("reset-dialog").close();
    this.show();
  }

  #insist() {
    this.#timer = null;
    if (this.#isLatched && this.#link.isOpen) return;
    this.#tries += 1;
    this.#isUnconfirmed = this.#tries > 3;
    if (this.#tries <= TRIES) {
      post();
      this.#timer = setTimeout(() => this.#insist(), RETRY_MS);
    }
    this.show();
  }

  /** Take in what the robot says of itself. */
  update(isLatched, isAtRest) {
    if (isLatched === this.#isLatched && isAtRest === this.#isAtRest && !this.#isUnconfirmed) return;
    this.#isLatched = isLatched;
    this.#isAtRest = isAtRest;
    if (isLatched) this.#isUnconfirmed = false;
    this.show();
  }

  show() {
    const isWaiting = this.#timer !== null;
    const banner = $("banner-stop");
    banner.hidden = !(this.#isLatched || isWaiting || this.#isUnconfirmed);
    banner.dataset.state = this.#isLatched ? "latched" : "sent";
    $("reset").hidden = !this.#isLatched;
    $("stop").dataset.latched = String(this.#isLatched);
    if (this.#isUnconfirmed) {
      put($("banner-stop-title"), t("stopUnconfirmed"));
      put($("banner-stop-rest"), "");
    } else if (this.#isLatched) {
      put($("banner-stop-title"), t("stopLatched"));
      put($("banner-stop-rest"), t(this.#isAtRest === null ? "restUnknown" : this.#isAtRest ? "restYes" : "restNo"));
    } else {
      put($("banner-stop-title"), t("stopSending"));
      put($("banner-stop-rest"), t("stopWaiting"));
    }
  }
}

function post() {
  fetch("/api/estop", { method: "POST", keepalive: true }).catch(() => {}); // what failed shows as "not confirmed"
}
