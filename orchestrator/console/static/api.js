// How does the page ask the house, and what does it say if the house refuses?

/** A refusal in words. `fields` are [name, message] pairs; `retryAfter` is in seconds, 0 if unknown. */
export class Problem extends Error {
  constructor(text, { code = "unknown", status = 0, fields = [], retryAfter = 0 } = {}) {
    super(text);
    Object.assign(this, { code, status, fields, retryAfter });
  }
}

/** Return the address of something of this house, below whatever prefix a proxy gives the page. */
export function at(path) {
  return new URL(path, document.baseURI);
}

/** Ask, and return the response; throw a Problem if it is none of success. */
export async function ask(target, { method = "GET", bearer, headers = {}, json, body, ...more } = {}) {
  const sent = { ...headers };
  if (bearer) sent.Authorization = `Bearer ${bearer}`;
  if (json !== undefined) sent["Content-Type"] = "application/json";
  const content = json === undefined ? body : JSON.stringify(json);
  let response;
  try {
    response = await fetch(at(target), { method, headers: sent, body: content, ...more });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The house cannot be reached. Look at your connection, and try again.", {
      code: "unreachable",
    });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/** Ask, and return what the answer holds. */
export async function read(target, options) {
  return (await ask(target, options)).json();
}

async function refusal(response) {
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  const { status } = response;
  try {
    const { code, detail, errors } = await response.json();
    const fields = (errors ?? []).map(({ field, message, nearest }) => [
      field,
      nearest ? `${message}. Did you mean ${nearest}?` : message,
    ]);
    return new Problem(detail, { code, status, fields, retryAfter });
  } catch {
    return new Problem(`The house answered ${status}.`, { status, retryAfter });
  }
}
