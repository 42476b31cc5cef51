// Which messages are in a stream of server-sent events?

/** Return a function that takes text as it comes and returns the messages that are whole by then. */
export function reader() {
  let rest = '';
  return (text) => {
    const blocks = (rest + text).replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop();
    return blocks.map(message).filter((one) => one.data !== '');
  };
}

function message(block) {
  let event = 'message';
  const data = [];
  for (const line of block.split('\n')) {
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (name === 'event') event = value;
    else if (name === 'data') data.push(value);
  }
  return { event, data: data.join('\n') };
}
