// What is one call, from the press of a button to its end? It knows the house, and nothing of the page.

import { ask, read } from "./api.js";
import { EventLine } from "./events.js";
import { openMicrophone, silence } from "./microphone.js";
import { Sound } from "./sound.js";

const FAREWELL_MS = 4000;
const LINE_BROKE = "line_broke";

export class Call {
  /**
   * Tells by `on`: `change()` (the `state` is another), `event(event)`, `problem(problem)`,
   * `microphone(stream)` and `sound(stream)` (what there is to hear), `over(reason, fault)`.
   */
  constructor(wish, key, audioContext, on) {
    Object.assign(this, { wish, key, audioContext, on });
    this.state = {
      channel: wish.channel,
      phase: "starting",
      session: "starting",
      agent: "away",
      events: "closed",
      sound: "none",
      microphone: false,
      muted: false,
      takenOver: false,
    };
  }

  /** Start the session; throws a Problem if the house refuses. */
  async begin() {
    if (this.wish.channel === "voice") await this.#openEars();
    if (this.isOver) return;
    this.#change({ phase: "starting" });
    const started = await read("orchestrator/session/start", {
      method: "POST",
      bearer: this.key,
      headers: { "X-Session-ID": newName() },
      json: this.wish,
    });
    this.id = started.sessionId;
    this.token = started.token;
    this.startedAt = Date.now();
    if (this.isOver) return void this.#leave().catch(() => {});
    this.#change({ phase: "session", session: started.state });
    if (this.wish.channel === "voice") {
      this.sound = new Sound(this.id, this.token, this.track, {
        onSound: (stream) => this.on.sound(stream),
        onState: (state, problem) => this.#heard(state, problem),
      });
    }
    this.line = new EventLine(this.id, this.token, {
      onEvent: (event) => this.#take(event),
      onLine: (events) => this.#change({ events }),
      onOver: () => this.#finish(LINE_BROKE),
    });
  }

  /** Try the microphone, now that it may be allowed or plugged in. */
  async retryMicrophone() {
    await this.#openEars();
    await this.sound?.replace(this.track);
  }

  /** Have the agent hear nothing, or hear again. The microphone's own track is silent at once. */
  async mute(muted) {
    this.muting = true;
    this.track.enabled = !muted;
    this.#change({ muted });
    try {
      const path = muted ? "listening/stop" : "listening/start";
      await ask(path, { method: "POST", bearer: this.token, json: { session_id: this.id } });
    } finally {
      this.muting = false;
    }
  }

  /** Ask in writing; where there is a voice, the answer is spoken as well. */
  write(message) {
    const json = { session_id: this.id, message, speak: this.wish.channel === "voice" };
    return ask("chat", { method: "POST", bearer: this.token, json });
  }

  /** Return what the house tells of the session. */
  look() {
    return read(`orchestrator/session/${this.id}`, { bearer: this.token });
  }

  /** End it. The agent is sent away; its last words are waited for, but not long. */
  async end() {
    if (!this.id) return this.#finish("user_left");
    this.#change({ phase: "ending" });
    this.#hangUp();
    setTimeout(() => this.#finish("ended_by_api"), FAREWELL_MS);
    try {
      await this.#leave();
    } catch (problem) {
      this.on.problem(problem);
    }
  }

  /** The page is being left, and the session ends with it. */
  abandon() {
    if (this.id && !this.isOver) this.#leave({ keepalive: true }).catch(() => {});
    this.#finish("user_left");
  }

  async #openEars() {
    this.#change({ phase: this.id ? "session" : "microphone" });
    try {
      this.track = await openMicrophone();
      if (this.isOver) return this.track.stop();
      this.track.enabled = !this.state.muted;
      this.track.onended = () => this.#loseMicrophone();
      this.on.microphone(new MediaStream([this.track]));
      this.#change({ microphone: true, microphoneProblem: null });
    } catch (problem) {
      this.track ??= silence(this.audioContext);
      this.#change({ microphone: false, microphoneProblem: problem });
    }
  }

  /** It was unplugged, or the permission was taken back: the call goes on without. */
  async #loseMicrophone() {
    this.track = silence(this.audioContext);
    await this.sound?.replace(this.track);
    await this.#openEars();
    await this.sound?.replace(this.track);
  }

  #take(event) {
    const { type, data } = event;
    this.on.event(event);
    if (type === "session_state") this.#enter(data);
    if (type === "queue_position") {
      this.#change({ place: data.position, waitMs: data.estimated_wait_ms });
    }
    if (type === "agent_state") this.#change({ agent: known(data.state) });
    if (type === "listening" && !this.muting) {
      if (this.track) this.track.enabled = data.listening;
      this.#change({ muted: !data.listening });
    }
    if (type === "session_ended") this.#finish(data.reason, data.fault);
  }

  #enter({ state, generation, cause }) {
    if (state === "ready") {
      const agent = this.wish.channel === "text" ? "listening" : this.state.agent;
      this.#change({ session: state, takenOver: generation > 1, agent });
      this.sound?.ready(generation);
      return;
    }
    const gone = state === "recovering" ? { agent: "away", cause } : {};
    this.#change({ session: state, ...gone });
    this.sound?.notReady();
  }

  #heard(sound, problem) {
    this.#change({ sound });
    if (problem) this.on.problem(problem);
  }

  #leave(more) {
    const json = { sessionId: this.id };
    return ask("orchestrator/session/end", { method: "POST", bearer: this.token, json, ...more });
  }

  #hangUp() {
    this.sound?.stop();
    if (this.track) this.track.onended = null;
    this.track?.stop();
    this.#change({ sound: "none", agent: "away" });
  }

  #finish(reason, fault) {
    if (this.isOver) return;
    this.isOver = true;
    this.#hangUp();
    this.line?.stop();
    this.#change({ events: "closed" });
    this.on.over(reason, fault);
  }

  #change(news) {
    Object.assign(this.state, news);
    this.on.change();
  }
}

/** Return an id of this call's own: no other page has the same. */
function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `console-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function known(state) {
  return ["listening", "thinking", "speaking"].includes(state) ? state : "away";
}
