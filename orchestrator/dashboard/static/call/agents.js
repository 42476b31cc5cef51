// Which agents has the session had, and why did one take over from another?

import { make } from '../kit/dom.js';
import { NOTHING, count, plain, span, time } from '../kit/words.js';

const HEADINGS = ['Gen.', 'Worker', 'Claimed', 'Ready', 'Gap', 'Left', 'Why it left'];

export function buildAgents() {
  const body = make('tbody');
  const hint = make('p', { class: 'hint' });
  const element = make('section', { class: 'panel', 'aria-labelledby': 'agents-title' },
    make('header', {}, make('h2', { id: 'agents-title' }, 'Agents and recoveries'), hint),
    make('div', { class: 'wide', role: 'group', 'aria-labelledby': 'agents-title', tabindex: '0' },
      make('table', { class: 'agents' },
        make('thead', {}, make('tr', {}, HEADINGS.map((heading) => make('th', { scope: 'col' }, heading)))), body)));
  const show = ({ generations, recoveries }) => {
    hint.textContent = recoveries === 0 ? 'no recovery' : count(recoveries, 'recovery', 'recoveries');
    body.replaceChildren(...generations.map((agent, place) => make('tr', {}, [
      String(agent.number),
      agent.worker ?? NOTHING,
      time(agent.claimedAt),
      time(agent.readyAt),
      gap(generations[place - 1], agent),
      time(agent.endedAt),
      plain(agent.cause),
    ].map((text) => make('td', {}, text)))));
  };
  return { element, show };
}

/** Say how long the caller was without an agent before this one. */
function gap(before, agent) {
  return before?.endedAt && agent.readyAt ? span(agent.readyAt - before.endedAt) : NOTHING;
}
