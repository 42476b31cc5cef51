// What is the call to be like? The form before it, with what this house offers.

import { read } from "./api.js";
import { byId, element } from "./elements.js";

/** Fill the form with the voices and the knowledge of the house; throws a Problem if it does not tell. */
export async function loadChoices(key) {
  const [{ voices }, { knowledge }] = await Promise.all([
    read("orchestrator/voices", { bearer: key }),
    read("orchestrator/knowledge", { bearer: key }),
  ]);
  byId("voice-list").replaceChildren(...voices.map(voiceChoice));
  byId("knowledge").replaceChildren(...knowledge.map(knowledgeChoice));
}

/** Return what is asked for, as `POST /orchestrator/session/start` takes it. */
export function readWish(channel) {
  const form = new FormData(byId("setup"));
  const wish = { channel, userName: form.get("userName").trim() || "Guest" };
  for (const name of ["voiceId", "openingLine", "knowledge"]) {
    const value = form.get(name)?.trim();
    if (value) wish[name] = value;
  }
  return wish;
}

function voiceChoice({ name, description, default: isDefault }, index) {
  const label = element("label", { class: "choice" });
  const input = element("input");
  Object.assign(input, { type: "radio", name: "voiceId", value: name, id: `voice-${index}` });
  // Once by itself, so that a form that is reset goes back to it.
  input.defaultChecked = isDefault;
  label.append(input, element("b", { text: name }), element("small", { text: description }));
  return label;
}

function knowledgeChoice({ name, default: isDefault }) {
  return new Option(name, name, isDefault, isDefault);
}
