// Who does what on this page, and when?

import { byId, mark, oncePerFrame, say } from './kit/dom.js';
import * as clock from './kit/clock.js';
import { current, onChange } from './kit/route.js';
import { Stream } from './net/stream.js';
import { forget, hasKey } from './net/key.js';
import { askForKey, closeDoor, isKeyNeeded } from './door.js';
import { buildLine } from './line.js';
import { Calls } from './house/calls.js';
import { buildCharts } from './house/charts.js';
import { buildStates } from './house/states.js';
import { buildTable } from './house/table.js';
import { showEnded, showQueue, showWorkers } from './house/aside.js';
import { beginAnew, closeSession, heardOf, openSession } from './call/page.js';
import { openArchive } from './archive/page.js';

const calls = new Calls();
const table = buildTable(calls);
const showStates = buildStates(table.chooseAnew);
const charts = buildCharts();
const line = buildLine(() => stream.hurry());
let house = null;
let isAnew = false;

const drawQueue = oncePerFrame(() => {
  if (house !== null) showQueue(house.queue, calls);
});

const heard = {
  hello(message) {
    clock.set(message.now);
    calls.begin(message.live);
    isAnew = true;
    line.isWell();
    beginAnew();
    changed();
  },
  house(message) {
    house = message;
    showStates(message);
    showWorkers(message);
    charts.house(message);
    line.house(message);
    drawQueue();
  },
  charts: (message) => charts.charts(message),
  rows(message) {
    calls.put(message);
    changed();
    if (message.complete) heardOf(message.rows.map(({ id }) => id));
  },
  gone(message) {
    calls.drop(message);
    changed();
    heardOf(message.ids);
  },
  ended({ sessions }) {
    showEnded(sessions, isAnew);
    isAnew = false;
    heardOf(sessions.map(({ id }) => id));
  },
  trouble: (message) => line.trouble(message),
};

function changed() {
  table.draw();
  drawQueue();
}

const stream = new Stream('dashboard/events', {
  onMessage: (name, message) => heard[name]?.(message),
  onState(state, detail) {
    line.state(state, detail);
    if (state === 'refused') leave(detail.words);
  },
});

function enter() {
  closeDoor();
  byId('forget').hidden = !hasKey();
  stream.start();
  show();
}

function leave(words) {
  stream.stop();
  forget();
  byId('forget').hidden = true;
  closeSession();
  for (const view of ['house', 'session', 'archive']) byId(view).hidden = true;
  askForKey(words, enter);
}

function show() {
  if (!byId('door').hidden) return;
  const route = current();
  for (const view of ['house', 'session', 'archive']) byId(view).hidden = view !== route.view;
  mark(byId('to-house'), 'aria-current', route.view === 'house' ? 'page' : null);
  mark(byId('to-archive'), 'aria-current', route.view === 'archive' ? 'page' : null);
  document.title = `Switchboard: ${route.view === 'archive' ? 'archive' : 'dashboard'}`;
  if (route.view === 'session') openSession(route.id);
  else closeSession();
  if (route.view === 'archive') openArchive(route.values);
  if (route.view === 'house') table.draw();
}

/** Whoever goes through the choices of a search stays at them. */
function isSearching() {
  return current().view === 'archive' && !!document.activeElement?.closest('[role=search]');
}

clock.everySecond(drawQueue);
onChange(() => {
  show();
  if (!isSearching()) byId('content').focus();
});
document.querySelector('.skip').addEventListener('click', (event) => {
  // By its address it would be another view.
  event.preventDefault();
  byId('content').focus();
});
byId('forget').addEventListener('click', () => {
  forget();
  // Nothing of what was shown is to stay in the page.
  location.reload();
});
if (await isKeyNeeded()) leave('');
else enter();
