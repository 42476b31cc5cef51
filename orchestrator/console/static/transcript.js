// What has been said? Lines in the order of their events; what is still being said stands last.

import { element } from "./elements.js";
import { Spoken } from "./spoken.js";
import { answerNotes } from "./answer.js";

const NAMES = { caller: "You", agent: "Agent" };

export class Transcript {
  constructor({ list, empty, announcer }) {
    Object.assign(this, { list, empty, announcer });
    this.clear();
  }

  /** Begin anew. */
  clear() {
    this.list.replaceChildren();
    this.announcer.replaceChildren();
    this.empty.hidden = false;
    this.open = {};
    this.spoken = new Spoken();
  }

  /** Take in an event: `transcript`, `agent_response`, or one of no meaning here. */
  take(event) {
    if (event.type === "transcript") this.#said(event);
    if (event.type === "agent_response") this.#answered(event);
  }

  /** Add a line of the page's own, about the call. */
  note(eventId, text) {
    const line = element("li", { data: { speaker: "note", state: "final", event: eventId } });
    line.append(element("p", { text }));
    this.#place(line);
    this.#announce(text);
  }

  /** What was being said will never be finished: the call is over. */
  close() {
    for (const line of Object.values(this.open)) line.dataset.state = "final";
    this.open = {};
  }

  #said({ id, data: { speaker, text, final, interrupted, typed } }) {
    // An answer in writing that is also read aloud is there already.
    if (speaker === "agent" && this.spoken.isReading(text, final)) return;
    const line = (!typed && this.open[speaker]) || this.#line(speaker);
    line.dataset.event = id;
    line.querySelector(".text").textContent = text;
    if (!final) {
      this.open[speaker] = line;
      this.#place(line);
      return;
    }
    if (!typed) delete this.open[speaker];
    this.#finish(line, { interrupted, typed });
    if (speaker === "agent") this.lastOfAgent = line;
    this.#announce(`${NAMES[speaker]}: ${text}`);
  }

  #answered({ id, data }) {
    const notes = answerNotes(data);
    if (!data.correlation_id) {
      // What was spoken has been told as a transcript: what is left is where it is from.
      this.lastOfAgent?.append(...notes);
      this.#stayBelow();
      return;
    }
    const line = this.#line("agent");
    line.dataset.event = id;
    line.querySelector(".text").textContent = data.response;
    line.append(...notes);
    this.#finish(line, {});
    this.spoken.expect(data.response);
    this.#announce(`Agent: ${data.response}`);
  }

  #line(speaker) {
    const line = element("li", { data: { speaker, state: "partial" } });
    line.append(element("span", { class: "who", text: NAMES[speaker] ?? speaker }));
    line.append(element("p", { class: "text" }));
    return line;
  }

  #finish(line, { interrupted, typed }) {
    line.dataset.state = "final";
    const mark = (interrupted && "cut short") || (typed && "typed");
    if (mark) line.querySelector(".who").append(element("small", { text: mark }));
    this.#place(line);
  }

  /** Put a line where it belongs: finished ones by their events, before those still being said. */
  #place(line) {
    const follows =
      line.dataset.state === "partial"
        ? null
        : [...this.list.children].find((one) => one !== line && one.dataset.state === "partial");
    const stays = this.#isAtEnd();
    if (line.parentNode !== this.list || line.dataset.state === "final") {
      this.list.insertBefore(line, follows ?? null);
    }
    this.empty.hidden = true;
    if (stays) this.#stayBelow();
  }

  /** Whoever reads further up is left there. */
  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.list;
    return scrollHeight - scrollTop - clientHeight < 80;
  }

  #stayBelow() {
    this.list.scrollTop = this.list.scrollHeight;
  }

  #announce(text) {
    this.announcer.append(element("p", { text }));
    while (this.announcer.childElementCount > 20) this.announcer.firstChild.remove();
  }
}
