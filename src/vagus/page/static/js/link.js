// The live connection to the robot: connects, connects again, sends, and hands on what arrives. It draws nothing.

const RETRY_MIN_MS = 300;
const RETRY_MAX_MS = 4000;
const KIND_POSES = 1;
const KIND_PICTURE = 2;

/**
 * Events: open, close {reason}, stranger (another token is wanted), and per message: hello, state, figures, things, plans,
 * talk, notice, poses {p, q}, picture {camera, counter, ageS, jpeg}; each in `event.detail`.
 */
export class Link extends EventTarget {
  #socket = null;
  #retryMs = RETRY_MIN_MS;
  #failures = 0;
  /** When anything was last heard [ms of performance.now()]. */
  heardMs = 0;

  connect() {
    const socket = new WebSocket(`ws://${location.host}/ws`);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      this.#failures = 0;
      this.#retryMs = RETRY_MIN_MS;
      this.heardMs = performance.now();
      this.#tell("open");
    });
    socket.addEventListener("message", (event) => this.#take(event.data));
    socket.addEventListener("close", (event) => this.#closed(event));
    this.#socket = socket;
  }

  get isOpen() {
    return this.#socket !== null && this.#socket.readyState === WebSocket.OPEN;
  }

  /** Send a message; false when it could not be sent. */
  send(message) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #take(data) {
    this.heardMs = performance.now();
    if (typeof data !== "string") {
      this.#takeBinary(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "state") this.send({ type: "seen", n: message.n });
    this.#tell(message.type, message);
  }

  #takeBinary(buffer) {
    const view = new DataView(buffer);
    const kind = view.getUint8(0);
    if (kind === KIND_POSES) {
      const n = view.getUint32(4, true);
      const p = new Float32Array(buffer, 8, 3 * n);
      const q = new Float32Array(buffer, 8 + 12 * n, 4 * n);
      this.#tell("poses", { p, q });
    } else if (kind === KIND_PICTURE) {
      const counter = Number(view.getBigUint64(8, true));
      const jpeg = new Blob([new Uint8Array(buffer, 24)], { type: "image/jpeg" });
      this.#tell("picture", { camera: view.getUint8(1), counter, ageS: view.getFloat64(16, true), jpeg });
    }
  }

  async #closed(event) {
    this.#socket = null;
    this.#failures += 1;
    this.#tell("close", { reason: event.reason });
    if (this.#failures > 1 && (await isStranger())) this.#tell("stranger");
    const waitMs = event.reason ? RETRY_MAX_MS : this.#retryMs;
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MAX_MS);
    setTimeout(() => this.connect(), waitMs);
  }
}

/** Whether the server is there but does not know this browser: it was started anew, with another token. */
async function isStranger() {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    return answer.status === 403;
  } catch {
    return false;
  }
}
