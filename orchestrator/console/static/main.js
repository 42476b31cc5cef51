// What does the page do when? It asks for a key where one is needed, sets a call up, and shows it.

import { read } from "./api.js";
import { Call } from "./call.js";
import { Composer } from "./composer.js";
import { copyText } from "./copy.js";
import { byId, say } from "./elements.js";
import { currentKey, keepKey } from "./key.js";
import { showCall, showScreen } from "./panel.js";
import { Player } from "./player.js";
import { clearProblem, showProblem } from "./problem.js";
import { loadChoices, readWish } from "./setup.js";
import { showTimeline } from "./timeline.js";
import { Transcript } from "./transcript.js";
import { endInWords, lengthInWords } from "./words.js";

const transcript = new Transcript({
  list: byId("transcript"),
  empty: byId("transcript-empty"),
  announcer: byId("announcer"),
});
const composer = new Composer((text) => call.write(text));
const AGAIN_MS = 2000;
let call = null;

async function enter() {
  try {
    const { needsKey } = await read("console/door");
    byId("forget-key").hidden = !needsKey;
    if (needsKey && !currentKey()) return showScreen("key", "Talk to an agent");
    await loadChoices(currentKey());
    clearProblem();
    showScreen("setup", "Talk to an agent");
  } catch (problem) {
    if (problem.status === 401) {
      keepKey("");
      showScreen("key", "Talk to an agent");
    }
    showProblem(problem);
    // There is nothing on the page yet that could be pressed to try again.
    if (isAway(problem) && document.body.dataset.screen === "loading") setTimeout(enter, AGAIN_MS);
  }
}

/** Tell whether it is not the page that has to ask for something else. */
function isAway({ status }) {
  return status === 0 || status >= 500;
}

async function begin(channel) {
  if (call) return;
  clearProblem();
  transcript.clear();
  showTimeline({});
  const wish = readWish(channel);
  document.body.dataset.channel = channel;
  const player = channel === "voice" ? new Player() : null;
  const made = new Call(wish, currentKey(), player?.context, {
    change: () => made === call && showCall(made.state),
    event: (event) => made === call && follow(made, event),
    problem: (problem) => isShown(made) && showProblem(problem),
    microphone: (stream) => player.showYou(stream),
    sound: (stream) => player.play(stream),
    over: (reason, fault) => finish(made, player, reason, fault),
  });
  call = made;
  say(byId("agent-name"), channel === "voice" ? (wish.voiceId ?? "") : "In writing");
  say(byId("session-id"), "");
  showCall(made.state);
  showScreen("call", channel === "voice" ? "Your call" : "Your conversation");
  goToTitle();
  try {
    await made.begin();
    if (made !== call) return;
    say(byId("session-id"), made.id ?? "");
    composer.open(true);
    if (channel === "text") byId("message").focus();
  } catch (problem) {
    // It was given up, and another may be going on.
    if (made !== call) return;
    call = null;
    await player?.stop();
    made.abandon();
    showScreen("setup", "Talk to an agent");
    showProblem(problem);
    byId("problem").focus();
  }
}

/** Tell whether the page shows this call, or what has become of it. */
function isShown(one) {
  return (call ?? one) === one;
}

function follow(from, event) {
  transcript.take(event);
  const { type, id, data } = event;
  if (type === "error") transcript.note(id, data.message);
  if (type === "agent_recovered") transcript.note(id, "Another agent has taken over.");
  if (from.state.channel === "text") return;
  const isReady = type === "session_state" && data.state === "ready";
  const isFirstWord = type === "agent_state" && data.state === "speaking" && !from.hasSpoken;
  from.hasSpoken ||= isFirstWord;
  if (isReady || isFirstWord) {
    from.look().then((told) => isShown(from) && showTimeline(told), () => {});
  }
}

function finish(from, player, reason, fault) {
  player?.stop();
  if (from !== call) return;
  call = null;
  composer.open(false);
  transcript.close();
  const length = from.startedAt && lengthInWords(Date.now() - from.startedAt);
  Object.assign(byId("ended-text").dataset, { reason, fault: fault ?? "" });
  say(byId("ended-text"), endInWords(reason, length, from.state.phase === "ending"));
  showScreen("ended", from.state.channel === "voice" ? "Call ended" : "Conversation ended");
  goToTitle();
}

/** Give the focus to what stays: what had it is about to vanish. */
function goToTitle() {
  byId("stage-title").focus();
}

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  clearProblem();
  keepKey(byId("key").value.trim());
  byId("key").value = "";
  enter().then(goToTitle);
});
byId("forget-key").addEventListener("click", () => {
  keepKey("");
  enter().then(goToTitle);
});
byId("setup").addEventListener("submit", (event) => {
  event.preventDefault();
  begin("voice");
});
byId("write").addEventListener("click", () => byId("setup").reportValidity() && begin("text"));
byId("mute").addEventListener("click", () => {
  const asked = call;
  asked?.mute(!asked.state.muted).catch((problem) => asked === call && showProblem(problem));
});
byId("end").addEventListener("click", () => call?.end());
byId("microphone-retry").addEventListener("click", async () => {
  await call?.retryMicrophone();
  if (byId("microphone-note").hidden) byId("mute").focus();
});
byId("again").addEventListener("click", () => {
  clearProblem();
  showScreen("setup", "Talk to an agent");
  byId("call").focus();
});
byId("problem-close").addEventListener("click", () => {
  clearProblem();
  goToTitle();
});
byId("copy").addEventListener("click", () => copyText(byId("session-id"), byId("copied")));
addEventListener("pagehide", () => call?.abandon());

enter();
