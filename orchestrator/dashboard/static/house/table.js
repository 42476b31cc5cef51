// What does the operator see of the live calls?

import { byId, make, mark, oncePerFrame, say } from '../kit/dom.js';
import { everySecond } from '../kit/clock.js';
import { Grid } from '../kit/grid.js';
import { toSession } from '../kit/route.js';
import { count, whole } from '../kit/words.js';
import { choose, chooseColumn, chosen } from './choosing.js';
import { COLUMNS, createRow, tickRow, updateRow } from './columns.js';

const open = (row) => { location.hash = toSession(row.id); };

/** Build the table of `calls`; return how it is drawn after they, or the choice, have changed. */
export function buildTable(calls) {
  const grid = new Grid(byId('calls-scroller'), {
    key: (row) => row.id, create: createRow, update: updateRow, tick: tickRow, open,
  });
  const draw = oncePerFrame(() => {
    const rows = choose(calls.all);
    grid.show(rows);
    if (calls.isKnown) tellHowMany(rows.length, calls.size);
  });
  const chooseAnew = () => {
    grid.toTop();
    draw();
  };
  buildHead(chooseAnew);
  byId('filter').addEventListener('input', (event) => {
    chosen.text = event.target.value;
    chooseAnew();
  });
  everySecond(() => grid.tick());
  return { draw, chooseAnew };
}

function buildHead(draw) {
  const head = byId('calls-head');
  const headings = COLUMNS.map((column) => make(
    'th',
    { role: 'columnheader', scope: 'col', class: `col-${column.name}${column.number ? ' number' : ''}` },
    make('button', { type: 'button', onclick: () => sort(column.name) }, column.heading),
  ));
  const tell = () => headings.forEach((heading, place) => {
    const order = chosen.descending ? 'descending' : 'ascending';
    mark(heading, 'aria-sort', COLUMNS[place].name === chosen.column ? order : null);
  });
  const sort = (name) => {
    chooseColumn(name);
    tell();
    draw();
  };
  head.replaceChildren(...headings);
  tell();
}

function tellHowMany(shown, all) {
  const isPart = chosen.text !== '' || chosen.state !== null;
  say(byId('calls-shown'), isPart ? `${whole(shown)} of ${whole(all)}` : count(all, 'live call'));
  const empty = byId('calls-empty');
  empty.hidden = shown > 0;
  if (shown === 0) say(empty, isPart ? 'No live call is like that.' : 'No call is live. Start one in the console.');
}
