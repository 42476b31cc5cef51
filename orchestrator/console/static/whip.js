// How does sound travel? One WHIP connection (RFC 9725): an offer goes in, an answer comes back.

import { ask } from "./api.js";
import { fragmentOf, iceServers, withFragment } from "./sdp.js";

const SDP = "application/sdp";
const FRAGMENT = "application/trickle-ice-sdpfrag";
const GATHERING_MS = 300;
const STALLED_MS = 1500;
const CONNECTING_MS = 4000;

export class Connection {
  /** `onSound(stream)`; `onState(state)` with connected, stalled (ICE may mend it) or lost. */
  constructor({ track, onSound, onState }) {
    this.onState = onState;
    this.closing = new AbortController();
    this.late = [];
    this.peer = new RTCPeerConnection();
    this.sender = this.peer.addTransceiver(track, {
      direction: "sendrecv",
      streams: [new MediaStream([track])],
    }).sender;
    this.peer.ontrack = ({ streams, track: heard }) =>
      onSound(streams[0] ?? new MediaStream([heard]));
    this.peer.onconnectionstatechange = () => this.#look();
    this.peer.onicecandidate = ({ candidate }) => this.#trickle(candidate);
  }

  get isConnected() {
    return this.peer.connectionState === "connected" && !this.#isHungUp();
  }

  /** Join a session that is ready. */
  async open(sessionId, bearer) {
    await this.peer.setLocalDescription();
    await this.#gathered();
    this.bearer = bearer;
    this.late = [];
    const response = await ask("whip", {
      method: "POST",
      bearer,
      headers: { "Content-Type": SDP, "X-Session-ID": sessionId },
      body: this.peer.localDescription.sdp,
      signal: this.closing.signal,
    });
    this.answer = await response.text();
    // A proxy that puts the house below a prefix need not have told it of that: `Location` is without.
    this.resource = `whip/${encodeURIComponent(sessionId)}`;
    this.tag = response.headers.get("ETag");
    if (this.closing.signal.aborted) return;
    await this.peer.setRemoteDescription({ type: "answer", sdp: this.answer });
    const dtls = this.sender.transport;
    // A server that hangs up closes this; the connection itself would notice much later.
    dtls?.addEventListener("statechange", () => this.#look());
    // They count from the next start of ICE, which is soon if this one leads nowhere.
    const servers = iceServers(response.headers.get("Link"));
    if (servers.length) this.peer.setConfiguration({ iceServers: servers });
    this.stalling = setTimeout(() => this.onState("stalled"), CONNECTING_MS);
    this.#flush();
  }

  /** Look for another way to the same server, after the network has changed. */
  async restart() {
    this.late = [];
    await this.peer.setLocalDescription(await this.peer.createOffer({ iceRestart: true }));
    const response = await this.#patch("*", fragmentOf(this.peer.localDescription.sdp, []));
    this.tag = response.headers.get("ETag") ?? this.tag;
    this.answer = withFragment(this.answer, await response.text());
    await this.peer.setRemoteDescription({ type: "answer", sdp: this.answer });
    this.#flush();
  }

  /** Send another track from now on. */
  async replace(track) {
    await this.sender.replaceTrack(track);
  }

  /** Hang up. The session does not end by this. */
  close() {
    this.closing.abort();
    clearTimeout(this.stalling);
    this.onState = () => {};
    this.peer.close();
  }

  #look() {
    if (this.peer.connectionState === "connecting") return;
    clearTimeout(this.stalling);
    const state = this.#isHungUp() ? "closed" : this.peer.connectionState;
    if (state === "closed") this.onState("lost");
    else if (state === "failed") this.onState("stalled");
    else if (state === "connected") this.onState("connected");
    else if (state === "disconnected") {
      this.stalling = setTimeout(() => this.onState("stalled"), STALLED_MS);
    }
  }

  #isHungUp() {
    return ["closed", "failed"].includes(this.sender.transport?.state);
  }

  async #gathered() {
    const { peer } = this;
    if (peer.iceGatheringState === "complete") return;
    await new Promise((resolve) => {
      setTimeout(resolve, GATHERING_MS);
      peer.addEventListener("icegatheringstatechange", () => {
        if (peer.iceGatheringState === "complete") resolve();
      });
    });
  }

  #trickle(candidate) {
    if (!candidate?.candidate) return;
    this.late.push(candidate);
    if (this.peer.signalingState === "stable") this.#flush();
  }

  /** Send the candidates that were found after the offer had gone. */
  #flush() {
    const late = this.late.splice(0);
    if (!late.length || !this.tag) return;
    const fragment = fragmentOf(this.peer.localDescription.sdp, late);
    // The call may well connect without them.
    this.#patch(this.tag, fragment).catch(() => {});
  }

  #patch(tag, body) {
    return ask(this.resource, {
      method: "PATCH",
      bearer: this.bearer,
      headers: { "Content-Type": FRAGMENT, "If-Match": tag },
      body,
      signal: this.closing.signal,
    });
  }
}
