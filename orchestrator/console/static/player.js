// How is the agent heard, and each side seen to speak?

import { byId } from "./elements.js";
import { Meter } from "./meters.js";

export class Player {
  constructor() {
    this.context = new AudioContext();
    this.audio = new Audio();
    const orb = byId("agent");
    this.you = new Meter(byId("level-you"), (level) => orb.style.setProperty("--you", level.toFixed(3)));
    this.agent = new Meter(byId("level-agent"), (level) => orb.style.setProperty("--level", level.toFixed(3)));
    byId("play").onclick = () => this.#play();
  }

  /** Show how loud the caller is. */
  showYou(stream) {
    this.you.follow(stream, this.context);
  }

  /** Play the agent, and show how loud it is. */
  play(stream) {
    this.audio.srcObject = stream;
    this.agent.follow(stream, this.context);
    this.#play();
  }

  /** Be silent. */
  async stop() {
    this.audio.srcObject = null;
    this.you.rest();
    this.agent.rest();
    byId("play-note").hidden = true;
    if (this.context.state !== "closed") await this.context.close();
  }

  async #play() {
    try {
      await Promise.all([this.audio.play(), this.context.resume()]);
      byId("play-note").hidden = true;
    } catch (error) {
      // Another stream has come meanwhile, or the browser wants a press of a button first.
      if (error.name === "NotAllowedError") byId("play-note").hidden = false;
    }
  }
}
