// By what can the archive be searched?

import { make } from '../kit/dom.js';
import { plain } from '../kit/words.js';

const REASONS = [
  'user_left', 'ended_by_api', 'idle_timeout', 'join_timeout', 'max_duration', 'queue_timeout',
  'no_capacity', 'agent_error', 'recovery_failed', 'provider_error', 'config_error',
];
const FAULTS = ['user', 'config', 'provider', 'platform'];
const DATES = ['from', 'to'];

const choice = (values) => () => make('select', {},
  make('option', { value: '' }, 'any'), values.map((value) => make('option', { value }, plain(value))));
const text = (type, rules = {}) => () => make('input', { type, autocomplete: 'off', spellcheck: 'false', ...rules });

const FIELDS = [
  ['user', 'User', text('search', { maxlength: 128 })],
  ['text', 'Words that were said', text('search', { minlength: 3, maxlength: 200 })],
  ['reason', 'Reason', choice(REASONS)],
  ['fault', 'Fault', choice(FAULTS)],
  ['channel', 'Channel', choice(['voice', 'text'])],
  ['from', 'Accepted from', text('datetime-local')],
  ['to', 'Accepted before', text('datetime-local')],
];

const idOf = (name) => `archive-${name}`;

/** Build the form; `onSearch` gets what was filled in. */
export function buildForm(onSearch) {
  const fields = new Map(FIELDS.map(([name, , create]) => [name, create()]));
  for (const [name, field] of fields) field.id = idOf(name);
  const filled = () => Object.fromEntries(
    [...fields].map(([name, field]) => [name, field.value.trim()]).filter(([, value]) => value !== ''),
  );
  const form = make('form', { class: 'search', role: 'search', 'aria-label': 'Archive' },
    FIELDS.map(([name, label]) => make('div', {}, make('label', { for: idOf(name) }, label), fields.get(name))),
    make('button', { type: 'submit', class: 'main' }, 'Search'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    onSearch(filled());
  });
  for (const field of fields.values()) {
    if (field.tagName === 'SELECT') field.addEventListener('change', () => form.requestSubmit());
  }
  return { form, fields };
}

/** Return the query for what the address asks for; dates are the operator's own time. */
export function queryOf(values, limit) {
  const query = new URLSearchParams({ ...values, limit });
  for (const name of DATES) {
    const moment = Date.parse(query.get(name) ?? '');
    if (Number.isNaN(moment)) query.delete(name);
    else query.set(name, moment);
  }
  return query;
}
