// Where does the page keep the API key that it was given? In this tab, and never in a cookie or URL.

const NAME = "switchboard.key";
let key = "";

try {
  key = sessionStorage.getItem(NAME) ?? "";
} catch {
  // A browser that keeps nothing: the key lives as long as the page.
}

/** Return the key, or nothing. */
export function currentKey() {
  return key;
}

/** Keep another key; an empty one forgets the last. */
export function keepKey(given) {
  key = given;
  try {
    if (given) sessionStorage.setItem(NAME, given);
    else sessionStorage.removeItem(NAME);
  } catch {
    // See above.
  }
}
