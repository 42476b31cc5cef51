// How loud is each side, at this moment?

const QUIET_DB = -60;
const LOUD_DB = -12;
const TELL_MS = 100;
const FALL = 0.12;

export class Meter {
  /** Shows on `bar`; `onLevel(level)` is told every level, from 0 to 1, as it is drawn. */
  constructor(bar, onLevel = () => {}) {
    this.bar = bar;
    this.onLevel = onLevel;
    this.level = 0;
    this.told = 0;
    bar.dataset.peak = 0;
  }

  /** Measure another stream from now on; its last one no more. */
  follow(stream, audioContext) {
    this.rest();
    this.source = audioContext.createMediaStreamSource(stream);
    this.analyser = audioContext.createAnalyser();
    this.samples = new Float32Array(this.analyser.fftSize);
    this.source.connect(this.analyser);
    this.#draw();
  }

  /** Measure nothing. */
  rest() {
    cancelAnimationFrame(this.frame);
    this.source?.disconnect();
    this.source = null;
    this.#show(0);
  }

  #draw() {
    this.analyser.getFloatTimeDomainData(this.samples);
    const square = this.samples.reduce((sum, one) => sum + one * one, 0) / this.samples.length;
    const decibels = 10 * Math.log10(square + 1e-12);
    const now = Math.min(1, Math.max(0, (decibels - QUIET_DB) / (LOUD_DB - QUIET_DB)));
    this.#show(Math.max(now, this.level - FALL));
    this.frame = requestAnimationFrame(() => this.#draw());
  }

  #show(level) {
    this.level = level;
    this.bar.style.setProperty("--level", level.toFixed(3));
    this.onLevel(level);
    const time = performance.now();
    if (level && time - this.told < TELL_MS) return;
    this.told = time;
    const percent = Math.round(level * 100);
    this.bar.setAttribute("aria-valuenow", percent);
    this.bar.dataset.peak = Math.max(percent, Number(this.bar.dataset.peak));
  }
}
