// How does the sound of a call stay connected, whatever happens to the agent and to the network?

import { Problem } from "./api.js";
import { Connection } from "./whip.js";

const PAUSES_MS = [0, 500, 1000, 2000, 4000];
const STEADY_MS = 10_000;
const GIVE_UP = [401, 403, 404, 409, 410];

export class Sound {
  /**
   * `onSound(stream)`: what the agent says. `onState(state, problem)` with connecting, connected,
   * lost, waiting (a refusal; it is tried again) or refused (it is not).
   */
  constructor(sessionId, token, track, { onSound, onState }) {
    Object.assign(this, { sessionId, token, track, onSound, onState });
    this.failures = 0;
  }

  /** The session is ready, with this agent: a connection made for another one brings nothing. */
  ready(generation) {
    if (this.isOver) return;
    this.isReady = true;
    if (generation === this.generation) return;
    this.generation = generation;
    this.failures = 0;
    this.inTrouble = false;
    this.#connect();
  }

  /** The session has no agent for now. */
  notReady() {
    this.isReady = false;
    clearTimeout(this.waiting);
  }

  /** Send another track from now on. */
  async replace(track) {
    this.track = track;
    await this.connection?.replace(track);
  }

  /** Hang up for good. */
  stop() {
    this.isOver = true;
    this.notReady();
    this.onState = () => {};
    this.connection?.close();
  }

  async #connect() {
    clearTimeout(this.waiting);
    if (!globalThis.RTCPeerConnection) {
      const words = "This browser has no WebRTC, or an extension takes it away.";
      this.onState("refused", new Problem(words, { code: "no_webrtc" }));
      return;
    }
    this.connection?.close();
    this.restarted = false;
    // Whoever knows that it is being tried again need not hear it each time.
    if (!this.inTrouble) this.onState("connecting");
    const connection = new Connection({
      track: this.track,
      onSound: this.onSound,
      onState: (state) => this.#take(state),
    });
    this.connection = connection;
    try {
      await connection.open(this.sessionId, this.token);
    } catch (problem) {
      if (connection === this.connection && this.isReady) this.#refused(asProblem(problem));
    }
  }

  #refused(problem) {
    this.inTrouble = true;
    if (GIVE_UP.includes(problem.status)) {
      this.onState("refused", problem);
      return;
    }
    this.onState("waiting", problem);
    this.#later(problem.retryAfter * 1000);
  }

  #take(state) {
    if (state === "connected") {
      this.restarted = false;
      this.inTrouble = false;
      this.connectedAt = performance.now();
      this.onState("connected");
      return;
    }
    // Whoever is sent away again and again shall not come back ever faster.
    if (performance.now() - this.connectedAt > STEADY_MS) this.failures = 0;
    this.inTrouble = true;
    this.onState("lost");
    if (!this.isReady) return; // The next agent is waited for.
    if (state === "stalled" && !this.restarted) this.#restart();
    else this.#later(0);
  }

  /** The network has changed: look for another way before all is negotiated anew. */
  async #restart() {
    const { connection } = this;
    this.restarted = true;
    this.#later(3000);
    try {
      await connection.restart();
    } catch {
      if (connection === this.connection) this.#later(0);
    }
  }

  /** Connect anew, unless the sound has come back by then. */
  #later(atLeastMs) {
    clearTimeout(this.waiting);
    const pause = PAUSES_MS[Math.min(this.failures, PAUSES_MS.length - 1)];
    this.failures += 1;
    this.waiting = setTimeout(() => {
      if (this.isReady && !this.connection.isConnected) this.#connect();
    }, Math.max(pause, atLeastMs));
  }
}

/** What a browser throws says nothing to a caller, and not when to try again. */
function asProblem(error) {
  if (error instanceof Problem) return error;
  return new Problem("Your browser and the house could not agree on how to send sound.", { code: "webrtc" });
}
