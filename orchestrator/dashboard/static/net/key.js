// Where is the operator's key? In the memory of this tab and its sessionStorage, nowhere else.

const NAME = 'switchboard.admin-key';
let key = sessionStorage.getItem(NAME);

export const hasKey = () => key !== null;

export function remember(value) {
  key = value;
  sessionStorage.setItem(NAME, value);
}

export function forget() {
  key = null;
  sessionStorage.removeItem(NAME);
}

export const headers = () => (key === null ? {} : { Authorization: `Bearer ${key}` });
