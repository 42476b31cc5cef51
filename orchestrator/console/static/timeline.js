// How long did the start take, and which part of it took longest?

import { byId, element, say } from "./elements.js";

const STEPS = {
  accepted: "accepted",
  claimed: "claimed",
  joined: "joined",
  ready: "ready",
  userJoined: "you joined",
  firstAudio: "first audio",
};

/** Show the steps that a session has reached. Each stretch is as wide as the time that it took. */
export function showTimeline({ timeline = {} }) {
  const reached = Object.keys(STEPS)
    .filter((step) => timeline[step])
    .sort((one, other) => timeline[one] - timeline[other]);
  const steps = reached.map((step, index) => ({
    step,
    ms: index ? timeline[step] - timeline[reached[index - 1]] : 0,
  }));
  byId("timeline-bar").replaceChildren(...steps.slice(1).map(stretch));
  byId("timeline").replaceChildren(...steps.map(line));
  const last = reached.at(-1);
  const total = lengthOf(timeline[last] - timeline.accepted);
  say(byId("timeline-total"), steps.length > 1 ? `${total} to ${STEPS[last]}` : "");
}

function stretch({ step, ms }) {
  const bar = element("i", { data: { step } });
  bar.style.flexGrow = Math.max(ms, 1);
  return bar;
}

function line({ step, ms }) {
  const item = element("li", { data: { step, ms } });
  item.append(element("i"), element("span", { text: STEPS[step] }));
  // Everything is counted from the first one.
  if (step !== "accepted") item.append(element("b", { text: lengthOf(ms) }));
  return item;
}

function lengthOf(ms) {
  return ms < 10_000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}
