// Which view is open? The part of the address after #, so that links, reload and back work.

/** Return what the address asks for: a name, and values. */
export function current() {
  const values = new URLSearchParams(location.hash.slice(1));
  if (values.get('session')) return { view: 'session', id: values.get('session') };
  if (values.has('archive')) {
    values.delete('archive');
    return { view: 'archive', values: Object.fromEntries(values) };
  }
  return { view: 'house' };
}

export const toSession = (id) => `#${new URLSearchParams({ session: id })}`;

export const toArchive = (values = {}) => `#${new URLSearchParams({ archive: '', ...values })}`;

export function onChange(listener) {
  addEventListener('hashchange', listener);
}
