// What does a page hear? All that its connections bring is kept for the test as well, 24 kHz mono.
(() => {
  const RATE = 24000;
  const kept = [];
  let mixer = null;

  const ears = {
    position: () => kept.length * 2048,
    since: (position) => {
      const bytes = new Uint8Array(Int16Array.from(kept.slice(position / 2048).flatMap((part) => [...part])).buffer);
      let text = "";
      for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
      return btoa(text);
    },
  };
  Object.defineProperty(window, "testEars", { value: ears });

  function listen() {
    const context = new AudioContext({ sampleRate: RATE });
    const keeper = context.createScriptProcessor(2048, 1, 1);
    keeper.onaudioprocess = ({ inputBuffer }) =>
      kept.push(Int16Array.from(inputBuffer.getChannelData(0), (one) => Math.max(-1, Math.min(1, one)) * 32767));
    // A node that leads nowhere is never asked to do anything.
    keeper.connect(context.destination);
    return { context, keeper };
  }

  const Connection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...given) {
      super(...given);
      this.addEventListener("track", ({ track }) => {
        if (track.kind !== "audio") return;
        mixer ??= listen();
        mixer.context.createMediaStreamSource(new MediaStream([track])).connect(mixer.keeper);
      });
    }
  };
})();
