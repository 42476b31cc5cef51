// How is the house asked for something, and what is said when it answers no?

import * as key from './key.js';

/** What went wrong, in words that a person can act on. */
export class Problem extends Error {
  constructor(status, words, code = '') {
    super(words);
    this.status = status;
    this.code = code;
  }
}

/** The key is missing, or it may not do this. */
export class Refused extends Problem {}

/** Send a request to the page's own host; relative, so that a proxy's prefix stays. */
export function ask(path, options = {}) {
  const headers = { Accept: 'application/json, text/event-stream', ...key.headers(), ...options.headers };
  return fetch(new URL(path, document.baseURI), { ...options, headers, credentials: 'omit' });
}

/** Return what the house answers to a GET. */
export const get = (path, signal) => answerTo(path, { signal });

/** Return what the house answers to a POST of JSON. */
export const post = (path, body) => answerTo(path, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

/** Return why a response is none: the house says so as problem+json. */
export async function problemOf(response) {
  const told = await response.json().catch(() => ({}));
  const fields = (told.errors ?? []).map(({ field, message }) => `${field} ${message}`);
  const said = [told.detail ?? `The server answered ${response.status}.`, ...fields].join(' ');
  const words = refusal(response.status) ?? said;
  const Kind = response.status === 401 || response.status === 403 ? Refused : Problem;
  return new Kind(response.status, words, told.code);
}

async function answerTo(path, options) {
  let response;
  try {
    response = await ask(path, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, 'The server cannot be reached. Is it running, and is the network up?');
  }
  if (!response.ok) throw await problemOf(response);
  return response.json();
}

function refusal(status) {
  if (status === 401) return key.hasKey() ? 'The server does not know this key.' : 'A key is needed.';
  if (status === 403) return 'This key is not an admin key. Ask for one made with: switchboard keys create --admin';
  return null;
}
