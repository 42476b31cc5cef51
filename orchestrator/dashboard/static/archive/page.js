// Which sessions were there? A search with filters, one page at a time; each page has an address.

import { byId, make, mark, say } from '../kit/dom.js';
import { toArchive, toSession } from '../kit/route.js';
import { NOTHING, dayAndTime, duration, plain } from '../kit/words.js';
import { Problem, get } from '../net/api.js';
import { buildForm, queryOf } from './form.js';

const HEADINGS = ['Accepted', 'User', 'Reason', 'Fault', 'Duration', 'Voice', 'Recoveries', 'API key', 'Session'];
const PAGE = 50;
let page = null;
let search = new AbortController();

/** Show what the address asks for. */
export async function openArchive(values) {
  page ??= build();
  for (const [name, field] of page.fields) field.value = values[name] ?? '';
  search.abort();
  search = new AbortController();
  say(page.hint, 'Searching…');
  say(page.problem, '');
  try {
    const { sessions, nextCursor } = await get(`dashboard/archive?${queryOf(values, PAGE)}`, search.signal);
    show(sessions, nextCursor, values);
  } catch (error) {
    if (error.name === 'AbortError') return;
    if (!(error instanceof Problem)) throw error;
    say(page.hint, '');
    say(page.problem, error.message);
  }
}

function build() {
  const { form, fields } = buildForm((values) => {
    // Nothing tells of an address that is the same; the house may be there again, or have more.
    if (location.hash === toArchive(values)) openArchive(values);
    else location.hash = toArchive(values);
  });
  const hint = make('p', { class: 'hint', role: 'status', id: 'found' });
  const problem = make('p', { class: 'error', role: 'alert' });
  const body = make('tbody', { id: 'found-rows' });
  const first = make('a', {}, 'Newest');
  const older = make('a', { id: 'older' }, 'Older →');
  const title = make('h1', { class: 'unseen' }, 'Archive');
  byId('archive').replaceChildren(title, form, problem, make('section', { class: 'panel', 'aria-labelledby': 'found-title' },
    make('header', {}, make('h2', { id: 'found-title' }, 'Sessions'), hint),
    make('div', { class: 'wide', role: 'group', 'aria-labelledby': 'found-title', tabindex: '0' },
      make('table', { class: 'found' },
        make('thead', {}, make('tr', {}, HEADINGS.map((heading) => make('th', { scope: 'col' }, heading)))), body)),
    make('nav', { class: 'pager', 'aria-label': 'Pages' }, first, older)));
  return { fields, hint, problem, body, first, older };
}

function show(sessions, nextCursor, values) {
  const { before, ...rest } = values;
  page.body.replaceChildren(...sessions.map(line));
  say(page.hint, inWords(sessions.length, nextCursor !== null));
  page.first.hidden = !before;
  page.older.hidden = !nextCursor;
  mark(page.first, 'href', toArchive(rest));
  mark(page.older, 'href', toArchive({ ...rest, before: nextCursor }));
}

// A rare word is looked for in part of the archive at a time.
function inWords(found, hasMore) {
  if (found > 0) return `${found} here${hasMore ? ', and there are older ones' : ''}`;
  return hasMore ? 'None among those that were looked through; there are older ones.' : 'Nothing was found.';
}

function line(session) {
  const { sessionId: id, acceptedAt, endedAt, reason, fault } = session;
  return make('tr', {}, [
    dayAndTime(acceptedAt),
    session.userName,
    reason ? plain(reason) : session.state,
    make('span', { class: `fault-${fault}` }, fault ?? NOTHING),
    endedAt ? duration(endedAt - acceptedAt) : NOTHING,
    session.voice ?? session.channel,
    String(session.recoveries),
    session.key,
    make('a', { class: 'code', href: toSession(id), title: id }, id.slice(id.lastIndexOf('_') + 1)),
  ].map((content) => make('td', {}, content)));
}

