// Which calls live, and what was told of each last?

export class Calls {
  #rows = new Map();
  #picture = null;
  #isKnown = false;

  /** A new picture comes: what is known is shown until all of it is here. */
  begin(live) {
    this.#picture = new Map();
    if (live === 0) this.#take();
  }

  /** Take in rows; each replaces what was known of its session. */
  put({ rows, complete }) {
    const into = this.#picture ?? this.#rows;
    for (const row of rows) into.set(row.id, row);
    if (this.#picture !== null && complete) this.#take();
  }

  drop({ ids }) {
    for (const id of ids) {
      this.#rows.delete(id);
      this.#picture?.delete(id);
    }
  }

  get(id) {
    return this.#rows.get(id);
  }

  get all() {
    return this.#rows.values();
  }

  /** Whether any picture was whole yet. */
  get isKnown() {
    return this.#isKnown;
  }

  get size() {
    return this.#rows.size;
  }

  #take() {
    this.#isKnown = true;
    this.#rows = this.#picture;
    this.#picture = null;
  }
}
