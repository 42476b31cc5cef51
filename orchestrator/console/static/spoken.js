// Is the agent only reading aloud what it has answered in writing? Then it is no line of its own.

const flat = (text) => text.replace(/\s+/g, " ").trim();

export class Spoken {
  constructor() {
    this.expected = [];
  }

  /** An answer may be read aloud from now on. */
  expect(text) {
    this.expected.push(flat(text));
    if (this.expected.length > 8) this.expected.shift();
  }

  /** Tell whether `text`, said by the agent, is such an answer, or how it begins. */
  isReading(text, final) {
    const said = flat(text);
    const read = this.expected.find((one) => (final ? one === said : one.startsWith(said)));
    if (read && final) this.expected.splice(this.expected.indexOf(read), 1);
    return Boolean(read);
  }
}
