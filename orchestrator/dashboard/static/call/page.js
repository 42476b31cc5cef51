// What is known of one session, while it lives and afterwards?

import { byId, make, say } from '../kit/dom.js';
import { Problem, get } from '../net/api.js';
import { buildActions } from './actions.js';
import { buildAgents } from './agents.js';
import { buildEvents } from './events.js';
import { buildFacts } from './facts.js';
import { buildTimeline } from './timeline.js';
import { buildTranscript } from './transcript.js';
import { Follower } from './following.js';

let open = null;

/** Show the session; what was shown before is forgotten. */
export function openSession(id) {
  closeSession();
  const page = build(id);
  byId('session').replaceChildren(page.element);
  page.load();
  open = page;
}

export function closeSession() {
  open?.close();
  open = null;
  byId('session').replaceChildren();
}

/** The stream has told something new of these sessions. */
export function heardOf(ids) {
  if (open !== null && ids.includes(open.id)) open.hear();
}

/** The stream begins anew: what was missed is read. */
export function beginAnew() {
  open?.load();
}

function build(id) {
  const gone = new AbortController();
  const title = make('h1', { tabindex: '-1' }, 'Session');
  const state = make('span', { class: 'state', id: 'session-state', role: 'status' });
  const problem = make('p', { class: 'error', role: 'alert', id: 'session-problem' });
  const actions = buildActions(id, problem);
  const parts = [buildFacts(), buildTimeline(), buildAgents()];
  const transcript = buildTranscript();
  const events = buildEvents();
  const body = make('div', { class: 'session-body', hidden: true },
    make('div', {}, parts.map(({ element }) => element)),
    make('div', {}, transcript.element, events.element));
  const element = make('div', { class: 'session' },
    make('header', { class: 'session-head' }, make('a', { href: '#' }, '← All calls'), title, state, actions.element),
    problem, actions.prompt, body);

  let changes = 0;
  // It may have been asked for by a name of the client's.
  let ownId = id;
  const load = async () => {
    const change = ++changes;
    try {
      const session = await get(`dashboard/sessions/${encodeURIComponent(id)}`, gone.signal);
      if (change !== changes) return;
      ownId = session.sessionId;
      say(problem, '');
      say(title, session.userName);
      document.title = `${session.userName}: Switchboard`;
      say(state, session.state);
      state.dataset.state = session.state;
      body.hidden = false;
      for (const part of [...parts, actions, transcript, events]) part.show(session);
      follower.begin(session.lastEventId);
    } catch (error) {
      if (error instanceof Problem) say(problem, error.message);
      else if (error.name !== 'AbortError') throw error;
    }
  };
  const follower = new Follower(id, gone.signal, (fresh) => {
    transcript.add(fresh);
    events.add(fresh);
    if (fresh.some(({ type }) => CHANGES.has(type))) load();
  }, load);
  const close = () => {
    gone.abort();
    actions.close();
    for (const part of parts) part.close?.();
  };
  return { get id() { return ownId; }, element, load, close, hear: () => follower.hear() };
}

// After these the page is read anew: they change more than what is appended.
const CHANGES = new Set([
  'session_state', 'agent_recovering', 'agent_recovered', 'caller', 'session_ended',
]);
