// May whoever opens the page see the house? In production only with an admin key.

import { byId, say } from './kit/dom.js';
import { hasKey, remember } from './net/key.js';
import { get } from './net/api.js';

/** Tell whether a key has to be asked for before anything else. */
export async function isKeyNeeded() {
  if (hasKey()) return false;
  const { needsKey } = await get('console/door').catch(() => ({ needsKey: false }));
  return needsKey;
}

/** Ask for a key; `words` say why the one before was no good. */
export function askForKey(words, onKey) {
  const key = byId('door-key');
  byId('door').hidden = false;
  say(byId('door-words'), words);
  key.value = '';
  key.focus();
  byId('door-form').onsubmit = (event) => {
    event.preventDefault();
    remember(key.value.trim());
    onKey();
  };
}

export function closeDoor() {
  byId('door').hidden = true;
  byId('door-key').value = '';
}
