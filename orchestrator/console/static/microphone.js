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

/** The caller's side of a call: one track at any time, be it of silence. */
export class Ears {
  /** `onTrack(track)`: it is another one now; `onChange(news)`: whether there is a microphone, or it is muted. */
  constructor(audioContext, { onTrack, onChange }) {
    Object.assign(this, { audioContext, onTrack, onChange });
    this.muted = false;
  }

  /** Open the microphone, or have silence in its place. */
  async open() {
    try {
      const track = await openMicrophone();
      if (this.closed) return track.stop();
      track.onended = () => this.#lose();
      this.#use(track);
      this.onChange({ microphone: true, microphoneProblem: null });
    } catch (problem) {
      if (this.closed) return;
      if (!this.track) this.#use(silence(this.audioContext));
      this.onChange({ microphone: false, microphoneProblem: problem });
    }
  }

  /** Let nothing through, or let it through again. */
  mute(muted) {
    this.muted = muted;
    if (this.track) this.track.enabled = !muted;
    this.onChange({ muted });
  }

  /** Give the microphone back. */
  close() {
    this.closed = true;
    if (!this.track) return;
    this.track.onended = null;
    this.track.stop();
  }

  #use(track) {
    const before = this.track;
    this.track = track;
    track.enabled = !this.muted;
    this.onTrack(track);
    if (!before) return;
    before.onended = null;
    before.stop();
  }

  /** It was unplugged, or its permission taken back: perhaps there is another one. */
  #lose() {
    this.#use(silence(this.audioContext));
    this.open();
  }
}

async function openMicrophone() {
  if (!navigator.mediaDevices) throw because("insecure");
  try {
    const stream = await navigator.mediaDevices.getUserMedia(WISH);
    return stream.getAudioTracks()[0];
  } catch (error) {
    throw because(CODES[error.name] ?? "busy");
  }
}

function silence(audioContext) {
  return audioContext.createMediaStreamDestination().stream.getAudioTracks()[0];
}

function because(code) {
  return new Problem(WORDS[code], { code });
}
