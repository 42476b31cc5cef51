// What is this session, and what has it used?

import { make, say } from '../kit/dom.js';
import { everySecond, now } from '../kit/clock.js';
import { NOTHING, dayAndTime, duration, plain, span, whole } from '../kit/words.js';

const FACTS = [
  ['Session', (session) => session.sessionId, 'code'],
  ['Duration', (session) => duration((session.endedAt ?? now()) - session.acceptedAt)],
  ['Accepted', (session) => dayAndTime(session.acceptedAt)],
  ['Ended', (session) => session.endedAt && dayAndTime(session.endedAt)],
  ['Reason', (session) => session.reason && `${plain(session.reason)} (fault: ${session.fault})`],
  ['Detail', (session) => session.detail],
  ['Channel', (session) => session.channel],
  ['Queue', (session) => session.queue && `place ${session.queue.position}`],
  ['Voice', ({ config }) => config && `${config.voiceId}, ${config.language}`],
  ['Agent', ({ config }) => config?.agent],
  ['Knowledge', ({ config }) => config?.knowledge],
  ['Ears', ({ config }) => config && (config.listening ? 'open' : 'closed')],
  ['Worker', (session) => session.worker],
  ['Generation', (session) => whole(session.generation)],
  ['Recoveries', (session) => whole(session.recoveries)],
  ['API key', (session) => session.key],
  ['Client’s ids', (session) => session.aliases.join(', ')],
  ['Request', (session) => session.correlationId, 'code'],
  ['Heard, spoken', ({ usage }) => usage && `${span(usage.audioInMs)}, ${span(usage.audioOutMs)}`],
  ['Models', ({ usage }) => usage?.models.map((one) => `${one.slot} ${one.model}: ${whole(one.requests)}`).join('; ')],
];

export function buildFacts() {
  const list = make('dl', { class: 'facts' });
  const copy = make('button', { type: 'button', class: 'quiet' }, 'Copy id');
  const element = make('section', { class: 'panel', 'aria-labelledby': 'facts-title' },
    make('header', {}, make('h2', { id: 'facts-title' }, 'Session'), copy), list);
  let session = null;
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(session.sessionId);
      say(copy, 'Copied');
    } catch {
      // Pages that are not over https may not.
      getSelection().selectAllChildren(list.querySelector('[data-fact="Session"]'));
      say(copy, 'Press Ctrl+C');
    }
    setTimeout(() => say(copy, 'Copy id'), 2000);
  });
  const stop = everySecond(() => {
    const cell = list.querySelector('[data-fact="Duration"]');
    if (session !== null && session.endedAt === null && cell) say(cell, FACTS[1][1](session));
  });
  const show = (fresh) => {
    session = fresh;
    const told = FACTS.map(([name, value, look]) => [name, value(session), look]).filter(([, value]) => value);
    list.replaceChildren(...told.map(([name, value, look]) => make('div', {},
      make('dt', {}, name), make('dd', { class: look, 'data-fact': name }, value || NOTHING))));
  };
  return { element, show, close: stop };
}
