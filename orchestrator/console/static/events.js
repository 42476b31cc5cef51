// What happens in the session? Its events in order, each once, through every break of the line.

import { at, read } from "./api.js";

const PAUSES_MS = [0, 250, 500, 1000, 2000, 4000];
const TRY_AGAIN_LATER = 1013;
const TOO_FAST = 1008;
const LONG_PAUSE_MS = 5000;
const STEADY_MS = 3000;
const PING_MS = 10_000;
const PATIENCE_MS = 5000;
const OF_THE_LOG = /^\d+-\d+$/;

export class EventLine {
  /** `onEvent(event)`; `onLine(state)` with open or reconnecting; `onOver()`: nothing more will come. */
  constructor(sessionId, token, { onEvent, onLine, onOver }) {
    Object.assign(this, { sessionId, token, onEvent, onLine, onOver });
    this.since = "0-0";
    this.failures = 0;
    this.openedAt = Infinity;
    this.back = () => this.#hurry();
    this.away = () => this.#listen(PATIENCE_MS / 2);
    addEventListener("online", this.back);
    addEventListener("offline", this.away);
    this.#connect();
  }

  /** Follow no longer. */
  stop() {
    this.stopped = true;
    clearTimeout(this.waiting);
    this.#quiet();
    removeEventListener("online", this.back);
    removeEventListener("offline", this.away);
    this.socket?.close();
  }

  #connect() {
    const url = at(`ws/${encodeURIComponent(this.sessionId)}`);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = new URLSearchParams({ access_token: this.token, since: this.since });
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onmessage = ({ data }) => socket === this.socket && this.#take(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.socket && this.#lose(code);
    this.deadline = setTimeout(() => this.#cut(), PATIENCE_MS);
  }

  #take(frame) {
    clearTimeout(this.deadline);
    if (frame.type === "session_confirmed") {
      this.openedAt = performance.now();
      this.onLine("open");
      this.pinging = setInterval(() => this.#listen(PATIENCE_MS), PING_MS);
    }
    if (OF_THE_LOG.test(frame.id ?? "") && frame.type !== "session_confirmed") {
      this.since = frame.id;
      this.onEvent(frame);
    }
  }

  /** A line may be dead and not know it: ask whether somebody is there. */
  #listen(patience) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => this.#cut(), patience);
    this.socket.send(JSON.stringify({ type: "ping" }));
  }

  /** Give a line up without waiting for a goodbye that will not come. */
  #cut() {
    const { socket } = this;
    this.#lose(0);
    socket.close();
  }

  #lose(code) {
    this.#quiet();
    this.socket = null;
    if (this.stopped) return;
    // A line that is closed as soon as it is open shall not be asked for ever faster.
    if (performance.now() - this.openedAt > STEADY_MS) this.failures = 0;
    this.openedAt = Infinity;
    this.failures += 1;
    this.onLine("reconnecting");
    const asked = code === TOO_FAST || (code === TRY_AGAIN_LATER && this.failures > 1);
    // "Offline" is a guess: a house on the same machine is there all the same.
    const slow = asked || !navigator.onLine;
    const pause = slow ? LONG_PAUSE_MS : PAUSES_MS[Math.min(this.failures, PAUSES_MS.length) - 1];
    this.waiting = setTimeout(() => this.#again(), pause * (0.75 + Math.random() / 2));
  }

  /** A handshake's refusal is hidden from pages, so ask after the session before trying on. */
  async #again() {
    if (this.failures > 2 && navigator.onLine && (await this.#isOver())) this.onOver();
    else if (!this.stopped && !this.socket) this.#connect();
  }

  async #isOver() {
    try {
      const path = `orchestrator/session/${this.sessionId}`;
      const { state } = await read(path, { bearer: this.token });
      // The last events are kept a while after the end; after that there is nothing to follow.
      return state === "ended" && this.failures > 4;
    } catch (problem) {
      return [401, 403, 404, 410].includes(problem.status);
    }
  }

  #hurry() {
    if (this.socket || this.stopped) return;
    clearTimeout(this.waiting);
    this.#again();
  }

  #quiet() {
    clearTimeout(this.deadline);
    clearInterval(this.pinging);
  }
}
