// Is what the page shows true at this moment? Said in words, and only when it changes.

import { byId, keep, make, say } from './kit/dom.js';
import { everySecond } from './kit/clock.js';

const WORDS = {
  connecting: 'Connecting…',
  live: 'Live',
  away: 'Connection lost: what is shown is old.',
  refused: 'Not let in.',
};

const BEAT = { name: 'beat', detail: 'Nobody sends the jobs of upkeep: start beat.' };

/** Build the line that tells how the stream is; `hurry` has it try again at once. */
export function buildLine(hurry) {
  const line = byId('line');
  const troubles = new Map();
  let state = 'connecting';
  let wasLive = false;
  let until = 0;
  let why = '';
  const tell = () => {
    const trouble = state === 'live' ? [...troubles.values()][0] : undefined;
    line.dataset.state = trouble ? 'away' : state;
    // Between two tries the words stay: who listens to the page need not hear each of them.
    if (state !== 'connecting' || !wasLive) say(byId('line-words'), trouble ?? (why || WORDS[state]));
    byId('hurry').hidden = state !== 'away' && !(state === 'connecting' && wasLive);
    countDown();
  };
  const countDown = () => {
    const seconds = Math.ceil((until - performance.now()) / 1000);
    say(byId('line-pause'), state === 'away' && seconds > 0 ? `Next try in ${seconds} s.` : '');
  };
  byId('hurry').addEventListener('click', hurry);
  everySecond(countDown);
  return {
    state(fresh, { pause = 0, words = '' } = {}) {
      state = fresh;
      why = words;
      if (state === 'live') wasLive = true;
      if (state === 'refused') wasLive = false;
      if (state === 'away') until = performance.now() + pause;
      tell();
    },
    isWell() {
      troubles.clear();
      tell();
    },
    trouble({ what, detail }) {
      if (detail === '') troubles.delete(what);
      else troubles.set(what, `Old figures: ${detail}`);
      tell();
    },
    house({ ready, checks, upkeep }) {
      const missing = ready ? [] : checks.filter(({ ok }) => !ok);
      if (ready && !upkeep.beatUp) missing.push(BEAT);
      byId('notice').hidden = missing.length === 0;
      const names = missing.map(({ name }) => name).join(', ');
      say(byId('notice-words'), `${ready ? 'Calls are taken, but look after' : 'No call can be taken'}: ${names}`);
      keep(byId('notice-list'), missing, {
        key: ({ name }) => name,
        create: () => make('li'),
        update: (line, { name, detail }) => say(line, `${name}: ${detail.replaceAll('`', '')}`),
      });
    },
  };
}
