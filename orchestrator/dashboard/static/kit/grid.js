// How does a table show thousands of rows? Only those that are seen are in the document.
//
// A grid keeps one tab stop: the table has the focus and names the row it is at
// (aria-activedescendant), so no update of the rows can ever take the focus away.

import { make, mark, oncePerFrame } from './dom.js';

const SPARE_ROWS = 6;

export class Grid {
  #scroller;
  #table;
  #body;
  #above;
  #below;
  #items = [];
  #rows = new Map();
  #height = 0;
  #at = null;
  #place = -1;
  #shift = 0;
  #sheet;

  /**
   * `scroller` holds the table, whose body is ours. `sheet` says how rows look:
   * key(item), create(), update(row, item), tick(row, item), open(item).
   */
  constructor(scroller, sheet) {
    this.#scroller = scroller;
    this.#sheet = sheet;
    this.#table = scroller.querySelector('table');
    this.#body = this.#table.tBodies[0];
    this.#above = make('tr', { class: 'gap', 'aria-hidden': 'true' });
    this.#below = make('tr', { class: 'gap', 'aria-hidden': 'true' });
    this.#body.replaceChildren(this.#above, this.#below);
    this.draw = oncePerFrame(() => this.#draw());
    scroller.addEventListener('scroll', this.draw, { passive: true });
    new ResizeObserver(() => {
      this.#height = 0;
      this.draw();
    }).observe(scroller);
    this.#table.addEventListener('keydown', (event) => this.#onKey(event));
    this.#body.addEventListener('click', (event) => this.#onClick(event));
  }

  /** Show these items, in this order and frame; whoever has scrolled down keeps seeing the same ones. */
  show(items) {
    const { key } = this.#sheet;
    const { scrollTop, clientHeight } = this.#scroller;
    const height = clientHeight > 0 ? this.#rowHeight() : 0;
    const top = height > 0 ? Math.floor(scrollTop / height) : 0;
    const anchor = scrollTop > 0 && top < this.#items.length ? key(this.#items[top]) : null;
    const place = anchor === null ? -1 : items.findIndex((item) => key(item) === anchor);
    this.#shift = place < 0 ? 0 : (place - top) * height;
    this.#items = items;
    mark(this.#table, 'aria-rowcount', items.length + 1);
    this.#draw();
  }

  /** Let what counts the seconds be drawn anew. */
  tick() {
    for (const [, { row, item }] of this.#rows) this.#sheet.tick(row, item);
  }

  /** Go back to the first row. */
  toTop() {
    this.#scroller.scrollTop = 0;
  }

  #draw() {
    if (this.#scroller.clientHeight === 0) return;
    const height = this.#rowHeight();
    const seen = Math.ceil(this.#scroller.clientHeight / height);
    const most = Math.max(0, this.#items.length - seen);
    const scrolled = this.#scroller.scrollTop + this.#shift;
    const top = Math.min(Math.floor(scrolled / height), most);
    const first = Math.max(0, top - SPARE_ROWS);
    const items = this.#items.slice(first, top + seen + SPARE_ROWS);
    this.#fit(items, first);
    this.#above.style.height = `${first * height}px`;
    this.#below.style.height = `${(this.#items.length - first - items.length) * height}px`;
    if (this.#shift !== 0) this.#scroller.scrollTop = scrolled;
    this.#shift = 0;
    const at = this.#rows.get(this.#at);
    mark(this.#table, 'aria-activedescendant', at ? at.row.id : null);
  }

  /** Bring the rows of the document in line with `items`, the first of which is number `first`. */
  #fit(items, first) {
    const before = this.#rows;
    const wanted = new Set(items.map(this.#sheet.key));
    const free = [...before].filter(([key]) => !wanted.has(key)).map(([, { row }]) => row);
    this.#rows = new Map();
    let next = this.#above.nextElementSibling;
    items.forEach((item, place) => {
      const key = this.#sheet.key(item);
      const row = before.get(key)?.row ?? free.pop() ?? this.#sheet.create();
      row.id = `row-${key}`;
      mark(row, 'aria-rowindex', first + place + 2);
      mark(row, 'aria-selected', key === this.#at ? 'true' : null);
      this.#sheet.update(row, item);
      this.#rows.set(key, { row, item });
      if (row === next) next = next.nextElementSibling;
      else this.#body.insertBefore(row, next);
    });
    for (const row of free) row.remove();
  }

  #rowHeight() {
    if (this.#height > 0) return this.#height;
    const probe = this.#sheet.create();
    this.#body.insertBefore(probe, this.#below);
    this.#height = probe.getBoundingClientRect().height;
    probe.remove();
    return this.#height;
  }

  #onKey(event) {
    if (event.target !== this.#table || this.#items.length === 0) return;
    const page = Math.max(1, Math.floor(this.#scroller.clientHeight / this.#rowHeight()) - 1);
    const here = this.#items.findIndex((item) => this.#sheet.key(item) === this.#at);
    // Where the row was that has gone, the next one is now.
    const from = here < 0 ? this.#place : here;
    const next = here < 0 && from >= 0 ? from : from + 1;
    const moves = {
      ArrowDown: next, ArrowUp: from - 1, PageDown: from + page, PageUp: from - page,
      Home: 0, End: this.#items.length - 1,
    };
    if (event.key in moves) this.#goTo(moves[event.key]);
    else if (event.key === 'Enter' && here >= 0) this.#sheet.open(this.#items[here]);
    else return;
    event.preventDefault();
  }

  #goTo(wished) {
    const place = Math.min(Math.max(0, wished), this.#items.length - 1);
    this.#at = this.#sheet.key(this.#items[place]);
    this.#place = place;
    const height = this.#rowHeight();
    const head = this.#table.tHead.offsetHeight;
    const { scrollTop, clientHeight } = this.#scroller;
    const least = (place + 1) * height + head - clientHeight;
    this.#scroller.scrollTop = Math.max(least, Math.min(scrollTop, place * height));
    this.draw();
  }

  #onClick(event) {
    const row = event.target.closest('tr');
    if (row === null || event.target.closest('a')) return;
    if (getSelection().toString() !== '') return;
    const found = [...this.#rows.values()].find((one) => one.row === row);
    if (found) this.#sheet.open(found.item);
  }
}
