// Who waits, who works, and who has just ended?

import { byId, keep, make, mark, say } from '../kit/dom.js';
import { now } from '../kit/clock.js';
import { toSession } from '../kit/route.js';
import { count, duration, lately, plain, span, time, whole } from '../kit/words.js';

const ENDED_AT_MOST = 50;
const WAITING_AT_MOST = 50;
let ended = [];

/** Show who waits: the first of them, and how long it takes. */
export function showQueue(queue, calls) {
  const waiting = [...calls.all].filter((row) => row.state === 'queued')
    .sort((one, other) => (one.position || Infinity) - (other.position || Infinity) || one.acceptedAt - other.acceptedAt)
    .slice(0, WAITING_AT_MOST);
  const wait = queue.estimatedWaitMs;
  const words = wait === null ? '' : wait === 0 ? 'a slot is free' : `about ${span(wait)} to wait`;
  say(byId('queue-hint'), queue.length === 0 ? words : `${whole(queue.length)} waiting${words && `, ${words}`}`);
  byId('queue-empty').hidden = queue.length > 0;
  keep(byId('queue'), waiting, {
    key: (row) => row.id,
    create: () => make('tr', {}, make('td'), make('td', {}, make('a')), make('td')),
    update: (line, row) => {
      say(line.cells[0], row.position ? `${row.position}.` : '');
      link(line.cells[1].firstElementChild, row.id, row.user);
      say(line.cells[2], duration(now() - row.acceptedAt));
    },
  });
}

/** Show the workers with their slots, and what is the matter with them. */
export function showWorkers(house) {
  say(byId('workers-hint'), `${whole(house.busy)} of ${count(house.slots, 'slot')} taken`);
  byId('workers-empty').hidden = house.workers.length > 0;
  keep(byId('workers'), house.workers, {
    key: (worker) => worker.name,
    create: () => make('tr', {},
      make('td', {}, make('div'), make('div', { class: 'hint' })),
      make('td', {}, make('span', { class: 'slots', 'aria-hidden': 'true' }, make('i')), make('span'))),
    update: (line, worker) => {
      const [name, hint] = line.cells[0].children;
      const [bar, slots] = line.cells[1].children;
      say(name, worker.name);
      say(hint, conditionOf(worker));
      say(slots, `${whole(worker.busy)}/${whole(worker.slots)}`);
      bar.firstElementChild.style.width = `${worker.slots ? Math.min(100, (100 * worker.busy) / worker.slots) : 0}%`;
      line.classList.toggle('draining', worker.draining);
    },
  });
}

/** Take in sessions that have ended, the last one first; `anew` forgets those before. */
export function showEnded(sessions, anew) {
  const fresh = new Set(sessions.map(({ id }) => id));
  ended = [...sessions, ...(anew ? [] : ended.filter(({ id }) => !fresh.has(id)))].slice(0, ENDED_AT_MOST);
  byId('ended-empty').hidden = ended.length > 0;
  keep(byId('ended'), ended, {
    key: (session) => session.id,
    create: (session) => {
      const name = make('a');
      link(name, session.id, session.user);
      const cause = make('div', { class: `fault-${session.fault}` }, plain(session.reason));
      return make('tr', {}, make('td', {}, name, cause),
        make('td', {}, make('div'), make('div', { class: 'hint' }, duration(session.durationMs))));
    },
    update: (line, session) => say(line.cells[1].firstElementChild, lately(session.endedAt, now())),
  });
}

function conditionOf(worker) {
  const parts = [`version ${worker.version}`];
  if (worker.draining) {
    parts.push(worker.drainEndsAt ? `draining until ${time(worker.drainEndsAt)}` : 'draining');
    if (worker.waitsFor) parts.push(`waits for ${worker.waitsFor}`);
  }
  if (worker.silentMs > 0) parts.push(`silent for ${count(worker.silentMs / 1000, 'second')}`);
  return parts.join(' · ');
}

function link(element, id, text) {
  say(element, text);
  mark(element, 'href', toSession(id));
  mark(element, 'title', id);
}
