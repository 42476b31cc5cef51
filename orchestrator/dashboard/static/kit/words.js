// How are numbers, moments and states put into words?

const WHOLE = new Intl.NumberFormat();
const TIME = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
});
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, {
  year: 'numeric', month: 'short', day: 'numeric',
  hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
});

const DAY_AND_MINUTE = new Intl.DateTimeFormat(undefined, {
  month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
});
const HALF_A_DAY_MS = 12 * 3600 * 1000;

export const STATES = ['queued', 'starting', 'ready', 'recovering', 'ending'];

export const NOTHING = '–';

export const whole = (number) => WHOLE.format(number);

export const time = (ms) => (ms ? TIME.format(ms) : NOTHING);

export const dayAndTime = (ms) => (ms ? DAY_AND_TIME.format(ms) : NOTHING);

/** The time alone, where nobody can take it for that of another day. */
export const lately = (ms, now) => (now - ms < HALF_A_DAY_MS ? time(ms) : DAY_AND_MINUTE.format(ms));

/** 0:07, 12:40, 3:05:09 */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (number) => String(number).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** 85 ms, 1.24 s, 42 s */
export function span(ms) {
  if (ms === null || ms === undefined) return NOTHING;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${whole(Math.round(ms / 1000))} s`;
}

/** ended_by_api -> ended by api */
export const plain = (name) => (name ? name.replaceAll('_', ' ') : NOTHING);

/** 1 call, 2 calls */
export const count = (number, one, many = `${one}s`) =>
  `${whole(number)} ${number === 1 ? one : many}`;
