// What time is it at the server? Durations are counted by its clock, once a second.

let ahead = 0;

/** Take over the server's clock; `now` is its time in Unix ms. */
export function set(now) {
  ahead = now - Date.now();
}

export const now = () => Date.now() + ahead;

/** Call `listener` once a second while the page is seen; return what stops it. */
export function everySecond(listener) {
  const timer = setInterval(() => {
    if (!document.hidden) listener();
  }, 1000);
  return () => clearInterval(timer);
}
