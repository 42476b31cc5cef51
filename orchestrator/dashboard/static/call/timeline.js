// How long did each step take on the way to the first word?

import { make } from '../kit/dom.js';
import { span, time } from '../kit/words.js';

const STEPS = [
  ['claimed', 'a process took it'],
  ['joined', 'the agent is in the room'],
  ['ready', 'the agent can talk'],
  ['userJoined', 'the caller is there'],
  ['firstAudio', 'the first word'],
];

export function buildTimeline() {
  const steps = make('ol', { class: 'timeline' });
  const hint = make('p', { class: 'hint' });
  const element = make('section', { class: 'panel', 'aria-labelledby': 'timeline-title' },
    make('header', {}, make('h2', { id: 'timeline-title' }, 'Timeline'), hint), steps);
  const show = ({ timeline }) => {
    const begin = timeline.accepted;
    const reached = STEPS.filter(([name]) => timeline[name]);
    const whole = Math.max(1, ...reached.map(([name]) => timeline[name] - begin));
    hint.textContent = reached.length === 0 ? 'Nothing yet.' : `accepted ${time(begin)}`;
    let before = begin;
    steps.replaceChildren(...reached.map(([name, words]) => {
      const from = Math.min(before, timeline[name]);
      const bar = make('i', { 'aria-hidden': 'true' });
      bar.style.marginInlineStart = `${(100 * (from - begin)) / whole}%`;
      bar.style.width = `${(100 * (timeline[name] - from)) / whole}%`;
      const step = make('li', { title: time(timeline[name]) },
        make('span', {}, words), make('span', { class: 'track' }, bar),
        make('b', {}, `+${span(timeline[name] - from)}`), make('span', { class: 'hint' }, span(timeline[name] - begin)));
      before = Math.max(before, timeline[name]);
      return step;
    }));
  };
  return { element, show };
}
