// What is there to know of an answer beside its words? Where it is from, and what to do next.

import { element } from "./elements.js";
import { actionInWords } from "./words.js";

/** Return what to put below an answer. */
export function answerNotes({ sources, requires_human_handoff, suggested_actions }) {
  const notes = [];
  if (sources?.length) {
    const list = element("ul", { class: "sources" });
    list.setAttribute("aria-label", "Sources");
    list.append(...sources.map((source) => element("li", { text: source })));
    notes.push(list);
  }
  if (requires_human_handoff) {
    notes.push(element("p", { class: "handoff", text: "A person should take over here." }));
  }
  if (suggested_actions?.length) {
    const text = `Suggested: ${suggested_actions.map(actionInWords).join(", ")}`;
    notes.push(element("p", { class: "suggestions", text }));
  }
  return notes;
}
