// What does a page hear? All that its connections bring is kept for the test as well, 24 kHz mono.
// `testEars.connection` is the last of them.
(() => {
  const RATE = 24000;
  // Long, so that a page that is kept waiting for a processor loses nothing.
  const BLOCK = 16384;
  const LOUD = 500 / 32768;
  const blocks = [];
  let mixer = null;

  const ears = {
    position: () => blocks.length * BLOCK,
    // The first and the last loud sample after a position, by blocks, and how much has been heard.
    speech: (position) => {
      const loud = [...blocks.keys()].filter((n) => blocks[n].isLoud && n * BLOCK >= position);
      return !loud.length ? null : [loud[0] * BLOCK, (loud.at(-1) + 1) * BLOCK, ears.position()];
    },
    samples: (from, to) => {
      const bytes = new Uint8Array((to - from) * 2);
      blocks.slice(from / BLOCK, to / BLOCK).forEach((block, n) => bytes.set(new Uint8Array(block.samples.buffer), n * BLOCK * 2));
      let text = "";
      for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
      return btoa(text);
    },
  };
  Object.defineProperty(window, "testEars", { value: ears });

  function keep(heard) {
    const samples = Int16Array.from(heard, (one) => Math.max(-1, Math.min(1, one)) * 32767);
    // A click is not speech.
    blocks.push({ samples, isLoud: heard.filter((one) => Math.abs(one) > LOUD).length > RATE / 50 });
  }

  function listen() {
    const context = new AudioContext({ sampleRate: RATE });
    const keeper = context.createScriptProcessor(BLOCK, 1, 1);
    keeper.onaudioprocess = ({ inputBuffer }) => keep(inputBuffer.getChannelData(0));
    // A node that leads nowhere is never asked to do anything.
    keeper.connect(context.destination);
    return { context, keeper };
  }

  const Connection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...given) {
      super(...given);
      ears.connection = this;
      this.addEventListener("track", ({ track }) => {
        if (track.kind !== "audio") return;
        mixer ??= listen();
        mixer.context.createMediaStreamSource(new MediaStream([track])).connect(mixer.keeper);
      });
    }
  };
})();
