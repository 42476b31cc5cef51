// How does a text get onto the clipboard? A page that is not over https has to have it selected.

import { say } from "./elements.js";

const SHOWN_MS = 2000;

/** Copy what an element shows, and say so. */
export async function copyText(shown, told) {
  try {
    await navigator.clipboard.writeText(shown.textContent);
    say(told, "Copied");
  } catch {
    getSelection().selectAllChildren(shown);
    say(told, "Selected; press Ctrl+C to copy");
  }
  setTimeout(() => say(told, ""), SHOWN_MS);
}
