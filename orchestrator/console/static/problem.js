// How does the page say what went wrong, and which field is meant?

import { byId, element, say } from "./elements.js";

const FIELDS = {
  userName: "Your name",
  voiceId: "Voice",
  openingLine: "Opening line",
  knowledge: "Knowledge",
  message: "Your message",
};

/** Return one text for a problem: what is wrong, with which fields, and when to try again. */
export function problemInWords(problem) {
  const { fields, detail } = partsOf(problem);
  return [detail, ...fields].join(" ");
}

/** Show a problem at the top of the page, and mark the fields that it names; or show none. */
export function showProblem(problem) {
  if (!problem) return clearProblem();
  const { fields, detail } = partsOf(problem);
  const box = byId("problem");
  // Who listens to the page need not hear it each time that something is tried again.
  if (!box.hidden && !fields.length && byId("problem-text").textContent === detail) return;
  clearProblem();
  box.dataset.code = problem.code ?? "unknown";
  byId("problem-fields").replaceChildren(...fields.map((text) => element("li", { text })));
  byId("problem-fields").hidden = !fields.length;
  box.hidden = false;
  say(byId("problem-text"), detail);
  for (const [name] of problem.fields ?? []) mark(name, true);
}

/** Show no problem any longer. */
export function clearProblem() {
  byId("problem").hidden = true;
  for (const name of Object.keys(FIELDS)) mark(name, false);
}

function partsOf(problem) {
  const fields = (problem.fields ?? []).map(([name, text]) => `${FIELDS[name] ?? name}: ${text}.`);
  const main = fields.length ? "This cannot be done as it was asked for." : problem.message;
  const again = problem.retryAfter ? ` Try again in ${problem.retryAfter} s.` : "";
  return { fields, detail: main + again };
}

function mark(name, isWrong) {
  const field = byId("setup").elements.namedItem(name);
  if (!(field instanceof HTMLElement)) return;
  if (isWrong) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}
