// What does the agent hear? The microphone, or silence where there is none.

import { Problem } from "./api.js";

const WORDS = {
  denied: "Your browser does not let this page use the microphone. Allow it in the address bar.",
  missing: "No microphone was found.",
  busy: "The microphone is in use by another program, or cannot be opened.",
  insecure: "Browsers give the microphone to pages over https only.",
};
const CODES = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
};
const WISH = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};

/** Open the microphone and return its track; throw a Problem that says why not. */
export async function openMicrophone() {
  if (!navigator.mediaDevices) throw because("insecure");
  try {
    const stream = await navigator.mediaDevices.getUserMedia(WISH);
    return stream.getAudioTracks()[0];
  } catch (error) {
    throw because(CODES[error.name] ?? "busy");
  }
}

/** Return a track in which nobody says anything; a call has one side to it even so. */
export function silence(audioContext) {
  return audioContext.createMediaStreamDestination().stream.getAudioTracks()[0];
}

function because(code) {
  return new Problem(WORDS[code], { code });
}
