// How is it said to a person? Every state of a call, and every way it can end, in a sentence.

const AGENT = {
  away: "Not here yet",
  listening: "Listening",
  thinking: "Thinking",
  speaking: "Speaking",
};
const ENDS = {
  line_broke: "The session is over, or cannot be followed any longer.",
  user_left: "You hung up.",
  ended_by_api: "The call was ended.",
  idle_timeout: "Nobody had said anything for a while, so the call ended.",
  join_timeout: "The sound never came through, so the call ended.",
  max_duration: "The call had lasted as long as it may.",
  queue_timeout: "No agent came free in time. Please try again later.",
  no_capacity: "There is no agent that could take the call. Please try again later.",
  agent_error: "The agent failed, and nobody could take over. We are sorry.",
  recovery_failed: "The agent was lost too often. We are sorry.",
  provider_error: "What the agent hears, thinks or speaks with failed. We are sorry.",
  config_error: "This call was set up in a way that cannot work.",
};

/** Return a word for what the agent does: `away`, `listening`, `thinking` or `speaking`. */
export function agentWord(state, { channel, session }) {
  if (state === "away" && session === "recovering") return "Another agent takes over";
  if (state === "listening" && channel === "text") return "Ready to read";
  return AGENT[state];
}

/** Return the state of a call as a whole, and the sentence for it. What is worst comes first. */
export function statusOf(call) {
  if (call.phase === "ending" || call.session === "ending") return ["ending", "Ending the call…"];
  if (call.phase === "microphone") return ["microphone", "Your browser asks for the microphone…"];
  if (call.phase === "starting") return ["starting", "Starting…"];
  if (call.events === "reconnecting") {
    return ["reconnecting", "The line to the house is cut. Coming back; nothing that is said gets lost."];
  }
  if (call.session === "queued") return ["queued", placeInWords(call)];
  if (call.session === "starting") return ["starting", "An agent is on its way…"];
  if (call.session === "recovering") return ["recovering", takeoverInWords(call.cause)];
  if (call.channel === "text") return ["live", "You are connected. Write below."];
  if (call.sound !== "connected") return soundInWords(call);
  if (call.muted) return ["live", "You are muted: the agent does not hear you."];
  if (call.microphone) return ["live", "You are connected. Just talk."];
  return ["live", "You are connected without a microphone: you hear the agent, and write to it below."];
}

/** Return how a session has ended; `byYou` if it was the End button of this page. */
export function endInWords(reason, duration, byYou) {
  const sentence = byYou ? "You ended it." : (ENDS[reason] ?? "The call is over.");
  return duration ? `${sentence} It lasted ${duration}.` : sentence;
}

/** Return a length of time as a person says it. */
export function lengthInWords(ms) {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** Return the name of a suggestion such as `talk_to_human`. */
export function actionInWords(action) {
  return action.replaceAll("_", " ");
}

function placeInWords({ place, waitMs }) {
  if (!place) return "Looking for a free agent…";
  const wait = waitMs ? ` It should take about ${lengthInWords(waitMs)}.` : "";
  return `All agents are busy. You are number ${place} in the queue.${wait}`;
}

function takeoverInWords(cause) {
  if (cause === "handover") return "Your agent hands you over to another one. Please stay…";
  return "The agent was lost. Another one takes over and knows what was said. Please stay…";
}

function soundInWords({ sound, takenOver, hasHeard }) {
  if (sound === "lost") return ["reconnecting", "The sound broke off. Connecting again…"];
  if (sound === "waiting") return ["reconnecting", "The sound could not be connected. Trying again shortly…"];
  if (sound === "refused") return ["live", "The sound cannot be connected. You can still write below."];
  if (takenOver) return ["reconnecting", "Another agent is here. Connecting the sound again…"];
  if (hasHeard) return ["reconnecting", "Connecting the sound again…"];
  return ["connecting", "The agent is here. Connecting the sound…"];
}
