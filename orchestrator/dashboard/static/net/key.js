// Where is the operator's key? In the memory of this tab and its sessionStorage, nowhere else.

const NAME = 'switchboard.admin-key';
let key = null;

try {
  key = sessionStorage.getItem(NAME);
} catch {
  // A browser that keeps nothing: the key lives as long as the page.
}

export const hasKey = () => key !== null;

export function remember(value) {
  key = value;
  try {
    sessionStorage.setItem(NAME, value);
  } catch {
    // See above.
  }
}

export function forget() {
  key = null;
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // See above.
  }
}

export const headers = () => (key === null ? {} : { Authorization: `Bearer ${key}` });
