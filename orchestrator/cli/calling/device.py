"""How does a person speak and hear, with the microphone and the loudspeaker of this machine?"""

from __future__ import annotations

import click
from livekit import rtc
from livekit.rtc.media_devices import InputCapture, OutputPlayer


def check_devices() -> None:
    """Fail with a sentence if this machine cannot be spoken into or heard from."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise click.ClickException(
            f"There is no sound here ({error}): install PortAudio (Debian: libportaudio2), or "
            "speak with --say or --wav."
        ) from None
    for kind, name in (("input", "microphone"), ("output", "loudspeaker")):
        try:
            sounddevice.query_devices(kind=kind)
        except (sounddevice.PortAudioError, ValueError) as error:
            raise click.ClickException(
                f"There is no {name} here ({error}): speak with --say or --wav."
            ) from None


class Device:
    """The sound devices of this machine, with the echo of the loudspeaker taken out."""

    def __init__(self) -> None:
        self._input: InputCapture | None = None
        self._output: OutputPlayer | None = None
        self._playing = False

    async def open(self) -> rtc.AudioSource:
        """Open both; return what the microphone hears."""
        devices = rtc.MediaDevices()
        self._input = devices.open_input()
        self._output = devices.open_output()
        return self._input.source

    async def run(self) -> None:
        """Do nothing: the device feeds the track by itself."""

    async def play(self, track: rtc.Track) -> None:
        """Let the loudspeaker play a track."""
        if self._output is None:
            return
        await self._output.add_track(track)
        if not self._playing:
            self._playing = True
            await self._output.start()

    async def close(self) -> None:
        """Close both."""
        for device in (self._input, self._output):
            if device is not None:
                await device.aclose()
