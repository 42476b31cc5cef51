// How does somebody write instead of talking?

import { byId, say } from "./elements.js";
import { problemInWords } from "./problem.js";

const MOST_ROWS_PX = 160;

export class Composer {
  /** `onWrite(text)` sends; what it throws is shown, and the text stays where it is. */
  constructor(onWrite) {
    this.onWrite = onWrite;
    this.field = byId("message");
    this.button = byId("send");
    this.trouble = byId("message-problem");
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.field.addEventListener("input", () => this.#grow());
  }

  /** Let somebody write, or not. */
  open(isOpen) {
    this.field.disabled = !isOpen;
    this.button.disabled = !isOpen;
    if (!isOpen) this.#complain("");
  }

  async #send() {
    const text = this.field.value.trim();
    if (!text || this.button.disabled) return;
    this.button.disabled = true;
    try {
      await this.onWrite(text);
      // What was typed meanwhile is kept.
      if (this.field.value.trim() === text) this.field.value = "";
      this.#complain("");
    } catch (problem) {
      this.#complain(`Not sent. ${problemInWords(problem)}`);
    } finally {
      this.button.disabled = this.field.disabled;
      this.#grow();
    }
  }

  #complain(text) {
    this.trouble.hidden = !text;
    say(this.trouble, text);
  }

  #grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, MOST_ROWS_PX)}px`;
  }
}
