// How does the page get and make its elements? Text goes in as text only.

/** Return the element of an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Make an element with a class, a text and `data-` attributes. */
export function element(tag, { class: name, text, data } = {}) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  Object.assign(made.dataset, data ?? {});
  return made;
}

/** Change an element's text only if it is another: screen readers read what changes. */
export function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}
