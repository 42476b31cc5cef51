// What can an operator do about a session? End it, and ask for its prompt.

import { make, say } from '../kit/dom.js';
import { Problem, get, post } from '../net/api.js';

/** Build the buttons, which are there once it is known whose call it is; problems are told in `problem`. */
export function buildActions(id, problem) {
  const prompt = make('section', { class: 'panel prompt', 'aria-labelledby': 'prompt-title', hidden: true });
  const end = make('button', { type: 'button', class: 'bad', id: 'end' }, 'End call…');
  const look = make('button', { type: 'button', id: 'show-prompt', 'aria-describedby': 'prompt-note' }, 'Show prompt');
  const element = make('div', { class: 'actions', hidden: true },
    make('small', { class: 'hint', id: 'prompt-note' }, 'Looking at the prompt is logged.'), look, end);
  let user = '';
  let asking = null;

  const doing = async (button, work) => {
    button.disabled = true;
    say(problem, '');
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(problem, error.message);
      button.disabled = false;
    }
  };
  look.addEventListener('click', () => doing(look, async () => {
    showPrompt(prompt, await get(`dashboard/sessions/${encodeURIComponent(id)}/prompt`), () => {
      look.disabled = false;
      look.focus();
    });
  }));
  end.addEventListener('click', async () => {
    asking = askWhetherSure(user);
    if (await isSure(asking)) doing(end, () => post('orchestrator/session/end', { sessionId: id }));
  });
  const show = (session) => {
    user = session.userName;
    element.hidden = false;
    end.hidden = session.state === 'ended';
    if (session.state === 'ending') end.disabled = true;
  };
  return { element, prompt, show, close: () => asking?.close() };
}

function showPrompt(panel, told, onClose) {
  const parts = [['Prompt', told.systemPrompt], ['Opening line', told.openingLine], ['Line after a recovery', told.recoveryLine]];
  const hide = () => {
    panel.hidden = true;
    panel.replaceChildren();
    onClose();
  };
  const close = make('button', { type: 'button' }, 'Hide');
  close.addEventListener('click', hide);
  const title = make('h2', { id: 'prompt-title', tabindex: '-1' }, 'Prompt');
  panel.replaceChildren(
    make('header', {}, title, make('p', { class: 'hint' }, 'This look has been logged.'), close),
    make('dl', {}, parts.filter(([, text]) => text).map(([name, text]) => make('div', {}, make('dt', {}, name), make('dd', {}, text)))),
  );
  panel.hidden = false;
  title.focus();
}

/** Ask before a call is ended; Escape and the first button keep it. */
function askWhetherSure(user) {
  const keep = make('button', { value: 'keep', autofocus: true }, 'Keep the call');
  const dialog = make('dialog', { 'aria-labelledby': 'sure-title', class: 'panel' },
    make('h2', { id: 'sure-title' }, `End the call of ${user}?`),
    make('p', {}, 'The agent leaves at once, in the middle of a word too. This cannot be undone.'),
    make('form', { method: 'dialog' }, keep, make('button', { value: 'end', class: 'bad', id: 'sure' }, 'End the call')));
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function isSure(dialog) {
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'end');
    });
  });
}
