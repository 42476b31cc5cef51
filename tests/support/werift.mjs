// Who calls by WHIP from node? A werift client: lines of JSON say what to do, and tell what came of it.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(new URL("../browser/package.json", import.meta.url));
const { MediaStreamTrack, RTCPeerConnection, RtpHeader, RtpPacket, useOPUS } = require("werift");

const FRAME_MS = 20;
const FRAME_SAMPLES = 960;
const SILENCE = Buffer.from([0xf8, 0xff, 0xfe]);
const OF_FRAGMENT = /^a=(ice-ufrag:|ice-pwd:|mid:|candidate:|end-of-candidates)/;
const SDP = { "Content-Type": "application/sdp" };
const FRAGMENT = { "Content-Type": "application/trickle-ice-sdpfrag" };

const toSay = [];
let call;

function tell(event, fields = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

function lines(sdp) {
  return sdp.split(/\r?\n/).filter(Boolean);
}

function joined(parts) {
  return parts.map((line) => `${line}\r\n`).join("");
}

function fragment(sdp) {
  const all = lines(sdp);
  const first = all.findIndex((line) => line.startsWith("m="));
  const next = all.findIndex((line, at) => at > first && line.startsWith("m="));
  const section = all.slice(first, next < 0 ? undefined : next);
  const group = all.filter((line) => line.startsWith("a=group:BUNDLE"));
  return joined([...group, section[0], ...section.filter((line) => OF_FRAGMENT.test(line))]);
}

// The answer with the credentials and candidates of a fragment in place of its own.
function renewed(answer, given) {
  const news = lines(given).filter((line) => /^a=(ice-ufrag|ice-pwd|candidate|end-of)/.test(line));
  const kept = lines(answer).filter((line) => !/^a=(ice-ufrag|ice-pwd|candidate|end-of)/.test(line));
  return joined(kept.flatMap((line) => (line.startsWith("a=mid:") ? [line, ...news] : [line])));
}

async function told(event, response) {
  const body = await response.text();
  tell(event, { status: response.status, headers: Object.fromEntries(response.headers), body });
  return body;
}

async function gathered(peer) {
  if (peer.iceGatheringState === "complete") return;
  await peer.iceGatheringStateChange.watch((state) => state === "complete");
}

async function dial({ endpoint, headers, trickle }) {
  const peer = new RTCPeerConnection({ iceServers: [], codecs: { audio: [useOPUS()] } });
  const microphone = new MediaStreamTrack({ kind: "audio" });
  peer.addTransceiver(microphone, { direction: "sendrecv" });
  peer.connectionStateChange.subscribe((state) => tell("state", { state }));
  peer.onTrack.subscribe((track) => {
    track.onReceiveRtp.subscribe(({ payload }) => {
      tell("heard", { frame: payload.toString("base64") });
    });
  });
  await peer.setLocalDescription(await peer.createOffer());
  await gathered(peer);
  const offer = peer.localDescription.sdp;
  const bare = lines(offer).filter((line) => !/^a=(candidate|end-of)/.test(line));
  const body = trickle ? joined(bare) : offer;
  const response = await fetch(endpoint, { method: "POST", headers: { ...SDP, ...headers }, body });
  const answer = await told("answered", response);
  if (response.status !== 201) return;
  call = { peer, headers, answer, microphone };
  call.location = new URL(response.headers.get("Location"), response.url);
  // The connection itself would notice a server that hangs up only much later.
  for (const dtls of peer.dtlsTransports) {
    dtls.onStateChange.subscribe((state) => state === "closed" && tell("state", { state }));
  }
  await peer.setRemoteDescription({ type: "answer", sdp: answer });
  if (trickle) await told("trickled", await patch(response.headers.get("ETag"), fragment(offer)));
}

function patch(tag, body) {
  const headers = { ...FRAGMENT, ...call.headers, "If-Match": tag };
  return fetch(call.location, { method: "PATCH", headers, body });
}

async function restart() {
  const { peer } = call;
  await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
  await gathered(peer);
  const response = await patch("*", fragment(peer.localDescription.sdp));
  const given = await told("restarted", response);
  if (response.status !== 200) return;
  call.answer = renewed(call.answer, given);
  await peer.setRemoteDescription({ type: "answer", sdp: call.answer });
}

async function hangUp() {
  await told("hung_up", await fetch(call.location, { method: "DELETE", headers: call.headers }));
}

// A frame each 20 ms, silence where nothing is to be said, as a microphone does.
async function speak() {
  const began = performance.now();
  for (let sent = 0; ; sent += 1) {
    const frame = toSay.shift();
    if (call?.peer.connectionState === "connected") {
      const header = new RtpHeader({
        sequenceNumber: sent & 0xffff,
        timestamp: (sent * FRAME_SAMPLES) >>> 0,
        payloadType: 96,
        ssrc: 1,
        marker: false,
      });
      call.microphone.writeRtp(new RtpPacket(header, frame?.payload ?? SILENCE));
    }
    if (frame?.last) tell("said");
    const due = began + (sent + 1) * FRAME_MS - performance.now();
    if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
  }
}

function say({ frames }) {
  const last = frames.length - 1;
  frames.forEach((frame, at) => toSay.push({ payload: Buffer.from(frame, "base64"), last: at === last }));
}

const orders = { dial, restart, say, hang_up: hangUp };
speak();
for await (const line of createInterface({ input: process.stdin })) {
  const { order, ...fields } = JSON.parse(line);
  await orders[order](fields);
}
process.exit();
