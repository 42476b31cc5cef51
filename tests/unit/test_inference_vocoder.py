"""Is speech that is made in blocks the same wave as speech that is made at once?"""

from __future__ import annotations

import numpy as np
import pytest
from hibari import dsp

from inference import speaking
from inference.speaking import Speaker, Utterance
from inference.turns import Turns
from inference.vocoder import BLOCK_FRAMES, Spectra, Vocoder
from inference.voices import find_voice
from tests.support.pitch import median_pitch

RATE = 24_000
BINS = dsp.N_FFT // 2 + 1


def spectra(frames, noise_level=-30.0):
    """Return a made-up sentence: smooth filters, F0 gliding around 200 Hz."""
    random = np.random.default_rng(frames)
    slope = np.linspace(2, -6, BINS, dtype=np.float32)[:, None]
    shape = (BINS, frames)
    return Spectra(
        harmonics=slope + random.normal(0, 0.2, shape).astype(np.float32),
        phase=np.full(shape, 0.3, np.float32),
        noise=np.full(shape, noise_level, np.float32),
        rest=np.full(shape, -4, np.float32),
        rest_phase=random.uniform(-3, 3, shape).astype(np.float32),
        f0=(200 + 5 * np.sin(np.arange(frames) / 20)).astype(np.float32),
    )


def at_once(made_up):
    return dsp.synth(
        made_up.harmonics,
        made_up.phase,
        made_up.noise,
        made_up.rest,
        made_up.rest_phase,
        made_up.f0,
        np.random.default_rng(0),
    )


@pytest.mark.parametrize("frames", [1, 2, 3, BLOCK_FRAMES, BLOCK_FRAMES + 1, 4 * BLOCK_FRAMES + 7])
def test_vocoder_when_the_pitch_is_the_bases_then_it_equals_hibaris_own_synthesis(frames):
    made_up = spectra(frames)
    blocks = list(Vocoder(made_up, 1.0, np.random.default_rng(0)).blocks())
    wave = np.concatenate(blocks)
    assert wave.shape == (frames * dsp.HOP,)
    assert {block.dtype for block in blocks} == {np.dtype(np.float32)}
    np.testing.assert_allclose(wave, at_once(made_up), atol=1e-5)


@pytest.mark.parametrize("pitch", [0.63, 0.88, 1.19])
def test_vocoder_when_the_pitch_is_another_then_only_the_pitch_moves(pitch):
    made_up = spectra(4 * BLOCK_FRAMES)
    wave = np.concatenate(list(Vocoder(made_up, pitch, np.random.default_rng(0)).blocks()))
    usual = at_once(made_up)
    assert len(wave) == len(usual)
    assert median_pitch(wave, RATE) == pytest.approx(200 * pitch, rel=0.02)
    loudness = np.sqrt((wave**2).mean() / (usual**2).mean())
    assert loudness == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("name", ["Craig", "Priya"])
def test_speaker_when_a_voice_is_resampled_in_blocks_then_there_are_no_clicks(monkeypatch, name):
    voice = find_voice(name)
    tone = (0.5 * np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE)).astype(np.float32)
    blocks = np.split(tone, [1, 500, 501, 9000, 20000])
    monkeypatch.setattr(speaking, "_waves", lambda *_: iter(blocks))
    monkeypatch.setattr(Speaker, "load", lambda self: setattr(self, "_model", object()))
    speaker = Speaker(Turns(places=1, queue_length=1, queue_seconds=1), model_threads=1)
    speaker.load()
    heard = np.frombuffer(b"".join(speaker.speak(Utterance("Hm.", voice))), "<i2") / 32768
    assert len(heard) == pytest.approx(RATE / voice.resonance, abs=2)
    # Away from its two ends the tone bends as a tone does, and a step would bend much more.
    bend = np.abs(np.diff(heard, 2))[1000:-1000].max()
    assert bend < 2 * 0.5 * (2 * np.pi * 100 * voice.resonance / RATE) ** 2
