// What does the page show of a call? One look at its state decides all of it.

import { byId, say } from "./elements.js";
import { agentWord, statusOf } from "./words.js";

const EVENTS = { closed: "closed", open: "live", reconnecting: "cut; coming back" };
const SOUND = {
  none: "none",
  connecting: "connecting",
  connected: "connected",
  lost: "broken off; connecting again",
  waiting: "refused; trying again shortly",
  refused: "refused",
};
const LINE_OF_SOUND = { waiting: "lost", refused: "lost" };

/** Show the state of a call. */
export function showCall(call) {
  tell(byId("agent"), call.agent);
  say(byId("agent-word"), agentWord(call.agent, call));
  const [state, words] = statusOf(call);
  tell(byId("status"), state);
  say(byId("status"), words);
  tell(byId("events-line"), call.events);
  say(byId("events-line"), EVENTS[call.events]);
  tell(byId("sound-line"), LINE_OF_SOUND[call.sound] ?? call.sound);
  say(byId("sound-line"), SOUND[call.sound]);
  showMute(call);
  showMicrophone(call);
}

/** Show one of the page's faces: loading, key, setup, call or ended. */
export function showScreen(screen, title) {
  document.body.dataset.screen = screen;
  byId("key-form").hidden = screen !== "key";
  byId("setup").hidden = screen !== "setup";
  byId("live").hidden = screen !== "call";
  byId("ended").hidden = screen !== "ended";
  byId("facts").hidden = !["call", "ended"].includes(screen);
  say(byId("stage-title"), title);
  document.title = screen === "setup" ? "Switchboard console" : `${title} – Switchboard`;
}

function showMute({ microphone, muted, session, phase }) {
  const button = byId("mute");
  button.hidden = !microphone;
  button.disabled = phase !== "session" || session === "queued";
  button.setAttribute("aria-pressed", muted);
  byId("agent").dataset.muted = muted;
}

function showMicrophone({ channel, microphoneProblem, phase }) {
  const shown = channel === "voice" && phase === "session" && microphoneProblem;
  byId("microphone-note").hidden = !shown;
  if (!shown) return;
  byId("microphone-note").dataset.code = microphoneProblem.code;
  say(byId("microphone-text"), `${microphoneProblem.message} You hear the agent even so, and can write to it.`);
}

function tell(target, state) {
  if (target.dataset.state !== state) target.dataset.state = state;
}
