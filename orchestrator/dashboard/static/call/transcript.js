// What was said, and what is being said?

import { make, say } from '../kit/dom.js';
import { count, span, time } from '../kit/words.js';

const SPEAKERS = { user: 'caller', assistant: 'agent' };
const TURNS_AT_MOST = 1000;

export function buildTranscript() {
  const list = make('ol', { class: 'transcript' });
  const hint = make('p', { class: 'hint' });
  const empty = make('p', { class: 'empty' }, 'Nothing has been said yet.');
  const box = make('div', { class: 'scroller', role: 'group', 'aria-labelledby': 'transcript-title', tabindex: '0' }, empty, list);
  const element = make('section', { class: 'panel', 'aria-labelledby': 'transcript-title' },
    make('header', {}, make('h2', { id: 'transcript-title' }, 'Transcript'), hint), box);
  let turns = [];
  let lastAt = 0;
  const drafts = new Map();

  const draw = (fresh) => {
    const wasAtEnd = box.scrollTop + box.clientHeight > box.scrollHeight - 40;
    for (const draft of drafts.values()) draft.element?.remove();
    if (fresh === null) list.replaceChildren(...turns.map(line));
    else list.append(...fresh.map(line));
    while (list.children.length > TURNS_AT_MOST) list.firstElementChild.remove();
    for (const draft of drafts.values()) {
      draft.element = line(draft);
      list.append(draft.element);
    }
    empty.hidden = list.children.length > 0;
    say(hint, count(turns.length, 'turn'));
    if (wasAtEnd) box.scrollTop = box.scrollHeight;
  };

  /** The server's own list: what was in the events before it is in it. */
  const show = (session) => {
    turns = session.transcript.map((turn) => ({ ...turn, speaker: SPEAKERS[turn.role] ?? turn.role }));
    lastAt = turns.at(-1)?.at ?? 0;
    drafts.clear();
    draw(null);
  };

  const add = (events) => {
    const said = events.filter(({ type }) => type === 'transcript').map(({ id, data }) => ({
      ...data, at: Number(id.split('-')[0]),
    }));
    if (said.length === 0) return;
    const fresh = said.filter(({ final, at }) => final && at > lastAt);
    turns.push(...fresh);
    lastAt = fresh.at(-1)?.at ?? lastAt;
    for (const one of said) {
      drafts.get(one.speaker)?.element?.remove();
      if (one.final) drafts.delete(one.speaker);
      else drafts.set(one.speaker, { ...one, isDraft: true });
    }
    draw(fresh);
  };
  return { element, show, add };
}

function line(turn) {
  const notes = [
    turn.isDraft && 'still speaking',
    turn.interrupted && 'interrupted',
    turn.latencyMs && `after ${span(turn.latencyMs)}`,
    turn.generation > 1 && `generation ${turn.generation}`,
  ].filter(Boolean);
  return make('li', { class: turn.isDraft ? 'draft' : null, 'data-speaker': turn.speaker },
    make('p', { class: 'who' }, make('b', {}, turn.speaker), ` ${[time(turn.at), ...notes].join(' · ')}`),
    make('p', {}, turn.text));
}
