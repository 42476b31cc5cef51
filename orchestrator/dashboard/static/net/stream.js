// How does the page hear of everything as it happens, and of all of it again after a cut?
//
// By fetch, because an EventSource cannot send a key. Each connection begins with the whole house,
// so nothing has to be remembered over a cut.

import { Problem, Refused, ask, problemOf } from './api.js';
import { reader } from './lines.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
// The server says something at least every 15 s; after so much silence the line is dead.
const PATIENCE_MS = 35_000;

export class Stream {
  #path;
  #onMessage;
  #onState;
  #running = null;
  #wake = () => {};

  /** `onState` is told `connecting`, `live`, `away` with the pause in ms, or `refused`; and why. */
  constructor(path, { onMessage, onState }) {
    this.#path = path;
    this.#onMessage = onMessage;
    this.#onState = onState;
    addEventListener('online', () => this.#wake());
  }

  start() {
    this.stop();
    this.#running = new AbortController();
    this.#run(this.#running.signal);
  }

  stop() {
    this.#running?.abort();
    this.#wake();
  }

  /** Try at once, if it waits. */
  hurry() {
    this.#wake();
  }

  async #run(stopped) {
    let failures = 0;
    while (!stopped.aborted) {
      this.#onState('connecting');
      let words = '';
      try {
        await this.#follow(stopped, () => { failures = 0; });
      } catch (error) {
        if (stopped.aborted) return;
        if (error instanceof Refused) {
          this.#onState('refused', { words: error.message });
          return;
        }
        if (error instanceof Problem) words = error.message;
      }
      if (stopped.aborted) return;
      const longest = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
      const pause = longest * (0.75 + Math.random() / 4);
      failures += 1;
      this.#onState('away', { pause, words });
      await this.#sleep(pause);
    }
  }

  async #follow(stopped, onFirst) {
    const silence = new AbortController();
    let alarm = setTimeout(() => silence.abort(), PATIENCE_MS);
    try {
      const signal = AbortSignal.any([stopped, silence.signal]);
      const response = await ask(this.#path, { signal, cache: 'no-store' });
      if (!response.ok) throw await problemOf(response);
      const read = reader();
      const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let isFirst = true; ; isFirst = false) {
        const { done, value } = await text.read();
        if (done) return;
        clearTimeout(alarm);
        alarm = setTimeout(() => silence.abort(), PATIENCE_MS);
        if (isFirst) {
          onFirst();
          this.#onState('live');
        }
        for (const { event, data } of read(value)) this.#onMessage(event, JSON.parse(data));
      }
    } finally {
      clearTimeout(alarm);
      silence.abort();
    }
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
