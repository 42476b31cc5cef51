// What of WHIP is text to be taken apart? Fragments of SDP (RFC 8840), and links to ICE servers.

const OF_ICE = /^a=(ice-ufrag|ice-pwd|candidate|end-of-candidates)/;

/** Return the fragment that tells of the description's credentials, and of `candidates`. */
export function fragmentOf(sdp, candidates) {
  const lines = sdp.split(/\r?\n/);
  const find = (start) => lines.find((line) => line.startsWith(start));
  return [
    find("a=group:BUNDLE"),
    find("m="),
    find("a=mid:"),
    // With the medium, where browsers have them: above it livekit-server overlooks them.
    find("a=ice-ufrag:"),
    find("a=ice-pwd:"),
    ...candidates.map(({ candidate }) => `a=${candidate}`),
    "",
  ].join("\r\n");
}

/** Return an answer whose way is that of `fragment`. */
export function withFragment(answer, fragment) {
  const fresh = fragment.split(/\r?\n/).filter((line) => OF_ICE.test(line));
  const credentials = fresh.filter((line) => line.startsWith("a=ice-"));
  const candidates = fresh.filter((line) => !line.startsWith("a=ice-"));
  const kept = answer.split(/\r?\n/).filter((line) => line && !OF_ICE.test(line));
  return kept
    .flatMap((line) => (line.startsWith("a=mid:") ? [line, ...credentials, ...candidates] : [line]))
    .concat("")
    .join("\r\n");
}

/** Return the ICE servers that a `Link` header names. */
export function iceServers(header) {
  const links = [...(header ?? "").matchAll(/<([^>]*)>([^<]*)/g)];
  return links
    .filter(([, , rest]) => /rel="?ice-server"?/.test(rest))
    .map(([, urls, rest]) => {
      const value = (name) => rest.match(new RegExp(`${name}="([^"]*)"`))?.[1];
      return { urls, username: value("username"), credential: value("credential") };
    });
}
