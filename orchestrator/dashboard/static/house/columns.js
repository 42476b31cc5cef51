// Which columns does the table of calls have, and what stands in them?

import { make, mark, say } from '../kit/dom.js';
import { now } from '../kit/clock.js';
import { toSession } from '../kit/route.js';
import { NOTHING, STATES, duration, plain } from '../kit/words.js';

/** name, heading, what it is sorted by, and how its cell is filled. */
export const COLUMNS = [
  {
    name: 'state', heading: 'State', by: (row) => STATES.indexOf(row.state),
    create: () => [make('span', { class: 'state' }), ' ', make('span', { class: 'hint' })],
    update: (cell, row) => {
      const [state, agent] = cell.children;
      mark(state, 'data-state', row.state);
      say(state, row.state);
      say(agent, doing(row));
    },
  },
  {
    name: 'user', heading: 'User', by: (row) => row.user.toLowerCase(),
    create: () => [make('a', { tabindex: '-1' })],
    update: (cell, { user, id }) => {
      const link = cell.firstElementChild;
      say(link, user);
      mark(link, 'href', toSession(id));
      mark(link, 'title', id);
    },
  },
  {
    name: 'words', heading: 'Last words', by: (row) => row.lastWords?.text.toLowerCase() ?? '',
    create: () => [make('b'), make('span')],
    update: (cell, { lastWords }) => {
      say(cell.children[0], lastWords ? `${lastWords.speaker}: ` : '');
      say(cell.children[1], lastWords ? lastWords.text + (lastWords.final ? '' : '…') : '');
    },
  },
  {
    name: 'duration', heading: 'Duration', number: true, by: (row) => -row.acceptedAt,
    update: (cell, row) => say(cell, duration(now() - row.acceptedAt)),
  },
  { name: 'voice', heading: 'Voice', by: (row) => row.voice ?? '', update: (cell, row) => say(cell, row.voice ?? row.channel) },
  {
    name: 'worker', heading: 'Worker', by: (row) => row.worker ?? '',
    update: (cell, row) => {
      say(cell, row.worker?.split('@').at(-1) ?? NOTHING);
      mark(cell, 'title', row.worker);
    },
  },
  {
    name: 'generation', heading: 'Gen.', number: true, by: (row) => row.generation,
    update: (cell, row) => {
      say(cell, String(row.generation));
      mark(cell, 'title', row.cause && `Because of: ${plain(row.cause)}`);
      cell.classList.toggle('again', row.recoveries > 0);
    },
  },
  {
    name: 'id', heading: 'Session', by: (row) => row.id,
    update: (cell, { id }) => {
      say(cell, id.slice(id.lastIndexOf('_') + 1));
      mark(cell, 'title', id);
    },
  },
];

export const columnNamed = (name) => COLUMNS.find((column) => column.name === name);

/** Return a row of the table with nothing in it yet. */
export function createRow() {
  const cells = COLUMNS.map((column) => make(
    'td',
    { role: 'gridcell', class: `col-${column.name}${column.number ? ' number' : ''}` },
    ...(column.create?.() ?? []),
  ));
  return make('tr', { role: 'row' }, cells);
}

export function updateRow(element, row) {
  COLUMNS.forEach((column, place) => column.update(element.cells[place], row));
}

const DURATION = COLUMNS.findIndex((column) => column.name === 'duration');

export function tickRow(element, row) {
  COLUMNS[DURATION].update(element.cells[DURATION], row);
}

function doing(row) {
  if (row.state === 'queued' && row.position) return `place ${row.position}`;
  if (row.state === 'recovering') return plain(row.cause ?? '');
  return row.state === 'ready' ? row.agentState ?? '' : '';
}
