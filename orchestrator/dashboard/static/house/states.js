// How many calls are in which state? Each count is a button that shows only those.

import { byId, make, mark, say } from '../kit/dom.js';
import { STATES, whole } from '../kit/words.js';
import { chosen } from './choosing.js';

/** Build the buttons; return what brings them up to date with a `house` message. */
export function buildStates(onChoice) {
  const buttons = [null, ...STATES].map((state) => ({ state, button: create(state, () => choose(state)) }));
  const tell = () => {
    for (const { state, button } of buttons) mark(button, 'aria-pressed', String(chosen.state === state));
  };
  const choose = (state) => {
    chosen.state = chosen.state === state ? null : state;
    tell();
    onChoice();
  };
  byId('states').replaceChildren(...buttons.map(({ button }) => button));
  tell();
  return (house) => {
    for (const { state, button } of buttons) {
      say(button.firstElementChild, whole(state === null ? house.live : house.states[state] ?? 0));
    }
  };
}

function create(state, onclick) {
  const name = state === null ? make('span', {}, 'live') : make('span', { class: 'state', 'data-state': state }, state);
  return make('button', { type: 'button', onclick }, make('b', {}, '0'), name);
}
