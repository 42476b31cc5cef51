// What has happened in a session since it was read? Asked only when the stream tells of it.

import { Problem, get } from '../net/api.js';

const PAGE = 500;

export class Follower {
  #id;
  #signal;
  #take;
  #reload;
  #since = null;
  #reading = false;
  #isHeard = false;

  /** `take` gets new events; `reload` is called when they are no longer kept. */
  constructor(id, signal, take, reload) {
    this.#id = id;
    this.#signal = signal;
    this.#take = take;
    this.#reload = reload;
  }

  /** All events up to this one are known. */
  begin(since) {
    this.#since = since;
    if (this.#isHeard) this.hear();
  }

  /** Read what is new; if that is being done already, once more after it. */
  async hear() {
    this.#isHeard = true;
    if (this.#reading || this.#since === null) return;
    this.#reading = true;
    try {
      while (this.#isHeard) {
        this.#isHeard = false;
        await this.#read();
      }
    } catch (error) {
      if (error instanceof Problem) this.#reload();
      else if (error.name !== 'AbortError') throw error;
    } finally {
      this.#reading = false;
    }
  }

  async #read() {
    const since = this.#since;
    const query = new URLSearchParams({ since, limit: PAGE });
    const path = `orchestrator/session/${encodeURIComponent(this.#id)}/events?${query}`;
    const { events, lastId } = await get(path, this.#signal);
    // The page was read anew meanwhile, and has these already.
    if (since !== this.#since) {
      this.#isHeard = true;
      return;
    }
    this.#since = lastId;
    if (events.length > 0) this.#take(events);
    if (events.length === PAGE) this.#isHeard = true;
  }
}
