// Which of the calls are shown, and in which order?

import { columnNamed } from './columns.js';

/** What the operator has chosen. */
export const chosen = { text: '', state: null, column: 'duration', descending: false };

/** Choose a column; the same once more turns the order round. */
export function chooseColumn(name) {
  chosen.descending = chosen.column === name && !chosen.descending;
  chosen.column = name;
}

/** Return those of `rows` that are to be shown, in order. */
export function choose(rows) {
  const terms = chosen.text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  for (const row of rows) {
    if (chosen.state !== null && row.state !== chosen.state) continue;
    if (terms.length > 0 && !terms.every((term) => textOf(row).includes(term))) continue;
    found.push(row);
  }
  return inOrder(found);
}

function inOrder(rows) {
  const { by } = columnNamed(chosen.column);
  const turn = chosen.descending ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: by(row) }));
  keyed.sort((one, other) => {
    if (one.key !== other.key) return one.key < other.key ? -turn : turn;
    return one.row.id < other.row.id ? 1 : -1;
  });
  return keyed.map(({ row }) => row);
}

// A row is never changed, only replaced: its text is put together once.
const texts = new WeakMap();

function textOf(row) {
  let text = texts.get(row);
  if (text === undefined) {
    const { id, user, state, voice, channel, worker, key, agentState, lastWords } = row;
    text = [id, user, state, voice, channel, worker, key, agentState, lastWords?.text].join(' ').toLowerCase();
    texts.set(row, text);
  }
  return text;
}
