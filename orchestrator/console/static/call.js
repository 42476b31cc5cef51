// What is one call, from the press of a button to its end? It knows the house, and nothing of the page.

import { ask, read } from "./api.js";
import { EventLine } from "./events.js";
import { Ears } from "./microphone.js";
import { Sound } from "./sound.js";

const FAREWELL_MS = 4000;
const LINE_BROKE = "line_broke";

export class Call {
  /**
   * Tells by `on`: `change()` (the `state` is another), `event(event)`, `problem(problem)` (none:
   * the sound is well), `microphone(stream)` and `sound(stream)` (what there is to hear),
   * `over(reason, fault)`.
   */
  constructor(wish, key, audioContext, on) {
    Object.assign(this, { wish, key, on });
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
    if (!this.hasVoice) return;
    this.ears = new Ears(audioContext, {
      onTrack: (track) => this.#speakThrough(track),
      onChange: (news) => this.#change(news),
    });
  }

  get hasVoice() {
    return this.wish.channel === "voice";
  }

  /** Start the session; throws a Problem if the house refuses. */
  async begin() {
    this.#change({ phase: this.ears ? "microphone" : "starting" });
    await this.ears?.open();
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
    if (this.ears) {
      this.sound = new Sound(this.id, this.token, this.ears.track, {
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
  retryMicrophone() {
    return this.ears.open();
  }

  /** Have the agent hear nothing, or hear again. The microphone's own track is silent at once. */
  async mute(muted) {
    this.muting = true;
    this.ears.mute(muted);
    try {
      const path = muted ? "listening/stop" : "listening/start";
      await ask(path, { method: "POST", bearer: this.token, json: { session_id: this.id } });
    } catch (problem) {
      // Whether the agent hears is not known: nobody shall talk to closed ears, or be overheard.
      this.ears.mute(true);
      throw problem;
    } finally {
      this.muting = false;
    }
  }

  /** Ask in writing; where there is a voice, the answer is spoken as well. */
  write(message) {
    const json = { session_id: this.id, message, speak: this.hasVoice };
    return ask("chat", { method: "POST", bearer: this.token, json });
  }

  /** Return what the house tells of the session. */
  look() {
    return read(`orchestrator/session/${this.id}`, { bearer: this.token });
  }

  /** End it. The agent is sent away; its last words are waited for, but not long. */
  async end() {
    if (!this.id) return this.#finish("user_left");
    if (this.state.phase === "ending") return;
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

  #speakThrough(track) {
    this.on.microphone(new MediaStream([track]));
    // A connection that is closing takes none, and the next one is made with it.
    this.sound?.replace(track).catch(() => {});
  }

  #take(event) {
    const { type, data } = event;
    this.on.event(event);
    if (type === "session_state") this.#enter(data);
    if (type === "queue_position") this.#change({ place: data.position, waitMs: data.estimated_wait_ms });
    if (type === "agent_state") this.#change({ agent: known(data.state) });
    if (!this.hasVoice) this.#watchAnswer(event);
    if (type === "listening" && !this.muting) this.ears?.mute(!data.listening);
    if (type === "session_ended") this.#finish(data.reason, data.fault);
  }

  /** In writing nobody tells what the agent does; whoever is asked and has not answered thinks. */
  #watchAnswer({ type, data }) {
    if (type === "transcript" && data.typed) this.#change({ agent: "thinking" });
    if (type === "agent_response") this.#change({ agent: "listening" });
  }

  #enter({ state, generation, cause }) {
    if (state === "ready") {
      const agent = this.hasVoice ? this.state.agent : "listening";
      this.#change({ session: state, takenOver: generation > 1, agent });
      this.sound?.ready(generation);
      return;
    }
    const gone = state === "recovering" ? { agent: "away", cause } : {};
    this.#change({ session: state, ...gone });
    this.sound?.notReady();
  }

  #heard(sound, problem) {
    const well = sound === "connected" ? { hasHeard: true, takenOver: false } : {};
    this.#change({ sound, ...well });
    if (problem || sound === "connected") this.on.problem(problem);
  }

  #leave(more) {
    const json = { sessionId: this.id };
    return ask("orchestrator/session/end", { method: "POST", bearer: this.token, json, ...more });
  }

  #hangUp() {
    this.sound?.stop();
    this.ears?.close();
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
