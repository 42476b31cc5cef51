// What has happened in the session, in the order of its log?

import { make, say } from '../kit/dom.js';
import { count, time } from '../kit/words.js';

const EVENTS_AT_MOST = 500;

export function buildEvents() {
  const list = make('ol', { class: 'events' });
  const hint = make('p', { class: 'hint' });
  const partial = make('input', { type: 'checkbox', id: 'events-partial' });
  const box = make('div', { class: 'scroller', role: 'group', 'aria-labelledby': 'events-title', tabindex: '0' }, list);
  const element = make('section', { class: 'panel', 'aria-labelledby': 'events-title' },
    make('header', {}, make('h2', { id: 'events-title' }, 'Events'), hint,
      make('label', { class: 'check', for: 'events-partial' }, partial, ' also words that are no sentence yet')), box);
  let events = [];
  let total = 0;

  const isShown = ({ type, data }) => partial.checked || type !== 'transcript' || data.final;
  const tell = () => {
    const most = Math.max(total, events.length);
    say(hint, most === 0 ? 'none kept' : events.length < most ? `the last ${events.length} of ${most}` : count(most, 'event'));
  };
  const draw = () => {
    list.replaceChildren(...events.filter(isShown).toReversed().map(line));
    tell();
  };
  partial.addEventListener('change', draw);
  const show = (session) => {
    events = [...session.events];
    total = session.eventsTotal;
    draw();
  };
  const add = (fresh) => {
    events.push(...fresh);
    total += fresh.length;
    events.splice(0, Math.max(0, events.length - EVENTS_AT_MOST));
    list.prepend(...fresh.filter(isShown).toReversed().map(line));
    while (list.children.length > EVENTS_AT_MOST) list.lastElementChild.remove();
    tell();
  };
  return { element, show, add };
}

function line({ id, type, data }) {
  const { session_id: _, ...rest } = data;
  return make('li', {},
    make('time', { title: id }, time(Number(id.split('-')[0]))),
    make('b', {}, type),
    make('code', {}, Object.entries(rest).map(([name, value]) => `${name}=${worded(value)}`).join('  ')));
}

const worded = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
