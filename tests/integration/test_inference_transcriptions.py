"""Does the house hear as OpenAI's API says: what is said, in any kind of file, and nobody else?"""

from __future__ import annotations

import io
import json
import socket
import wave
from concurrent.futures import ThreadPoolExecutor

import av
import httpx
import jiwer
import numpy as np
import openai
import pytest

from tests.support import loopback
from tests.support.eventually import eventually
from tests.support.words import plain_words

RATE = 16_000
VOICES = ["Ashley", "Craig", "Edward", "Olivia", "Priya", "Wendy"]
STORY = [
    "Good morning, thank you for calling.",
    "Our office is on Maple Street, opposite the library.",
    "We accept cash and credit cards.",
    "Please keep your receipt until the product has arrived.",
    "Deliveries are made from Monday to Friday.",
    "You can change your address in your account at any time.",
    "The warranty covers two years.",
    "For a repair, please send us a picture of the damage.",
    "A technician will call you back before the evening.",
    "Have a pleasant afternoon.",
]
QUESTION = "When are you open on Saturday?"


@pytest.fixture(scope="module")
def client(inference):
    with httpx.Client(base_url=inference.url, timeout=60) as client:
        yield client


def spoken(client, text, voice="Ashley"):
    """Return a WAV in which the house says `text`."""
    body = {"model": "tts-1", "voice": voice, "input": text}
    return client.post("/audio/speech", json=body).raise_for_status().content


@pytest.fixture(scope="module")
def question(client):
    return spoken(client, QUESTION)


def transcribe(client, sound, name="speech.wav", **fields):
    data = {"model": "whisper-1", **fields}
    return client.post("/audio/transcriptions", data=data, files={"file": (name, sound)})


def heard(client, sound, **fields):
    answer = transcribe(client, sound, **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["text"]


def samples_of(wav):
    with wave.open(io.BytesIO(wav)) as reader:
        return np.frombuffer(reader.readframes(reader.getnframes()), "<i2"), reader.getframerate()


def wav_of(samples, rate=RATE, channels=1):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(np.asarray(samples, "<i2").tobytes())
    return file.getvalue()


def encoded(wav, kind, codec, rate=48_000):
    """Return a WAV as a file of another kind."""
    samples, own_rate = samples_of(wav)
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = own_rate
        resampler = av.AudioResampler(stream.format, "mono", rate, frame_size=stream.frame_size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file.getvalue()


def noise(seconds, level=3000):
    return np.random.default_rng(7).normal(0, level, int(seconds * RATE)).clip(-32768, 32767)


def lines(server, event):
    """Return what the server has logged under this name."""
    found = [line for line in server.child.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in map(json.loads, found) if line["event"] == event]


def listened(server):
    """Return what the server has listened to, but for the second of silence at its start."""
    return [line for line in lines(server, "listening") if line["audio_seconds"] != 1]


# What is heard


@pytest.mark.parametrize("voice", VOICES)
def test_transcription_when_a_voice_of_the_house_speaks_then_it_is_understood(client, voice):
    said = "Could you tell me where your office is? I have a question about my last order."
    assert plain_words(heard(client, spoken(client, said, voice))) == plain_words(said)


@pytest.mark.parametrize("word", ["Yes.", "Hello.", "No, thank you."])
def test_transcription_when_only_a_word_is_said_then_it_is_heard(client, word):
    assert plain_words(heard(client, spoken(client, word))) == plain_words(word)


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44_100, 2), (48_000, 1), (48_000, 2)])
def test_transcription_when_a_wav_has_another_rate_or_two_sides_then_it_is_heard(
    client, question, rate, channels
):
    samples, own = samples_of(question)
    places = np.arange(0, len(samples), own / rate)
    resampled = np.interp(places, np.arange(len(samples)), samples)
    sound = wav_of(np.repeat(resampled, channels), rate, channels)
    assert plain_words(heard(client, sound)) == plain_words(QUESTION)


@pytest.mark.parametrize(
    ("kind", "codec"),
    [("mp3", "mp3"), ("ogg", "libopus"), ("webm", "libopus"), ("flac", "flac"), ("mp4", "aac")],
)
def test_transcription_when_the_file_is_of_another_kind_then_it_is_heard(
    client, question, kind, codec
):
    assert plain_words(heard(client, encoded(question, kind, codec))) == plain_words(QUESTION)


def test_transcription_when_the_header_promises_more_than_there_is_then_the_rest_is_heard(
    client, question
):
    unknown = question[:40] + b"\xff\xff\xff\xff" + question[44:]
    assert plain_words(heard(client, unknown)) == plain_words(QUESTION)


def test_transcription_when_the_file_is_long_then_all_of_it_is_heard(client):
    numbers = ["one", "two", "three", "four", "five"]
    parts = [samples_of(spoken(client, f"This is part number {n}.")) for n in numbers]
    pause = np.zeros(parts[0][1] * 8, np.int16)
    sound = wav_of(np.concatenate([x for part, _ in parts for x in (part, pause)]), parts[0][1])
    answer = transcribe(client, sound, response_format="verbose_json").json()
    assert answer["duration"] > 45
    assert len(answer["segments"]) > 2
    for number in numbers:
        assert number in plain_words(answer["text"]).split(), answer["text"]


@pytest.mark.parametrize(
    "samples",
    [np.zeros(0), np.zeros(10), np.zeros(RATE), np.zeros(RATE * 40), noise(0.01), noise(2)],
    ids=["empty", "ten samples", "a second", "forty seconds", "a click", "noise"],
)
def test_transcription_when_nobody_speaks_then_the_text_is_empty(client, samples):
    assert heard(client, wav_of(samples)) == ""


def test_transcription_when_text_is_asked_for_then_it_is_nothing_else(client, question):
    answer = transcribe(client, question, response_format="text")
    assert answer.headers["content-type"].startswith("text/plain")
    assert plain_words(answer.text) == plain_words(QUESTION)


def test_transcription_when_verbose_then_it_says_how_sure_it_is(client, question):
    answer = transcribe(client, question, response_format="verbose_json", language="en-GB").json()
    [segment] = answer["segments"]
    assert (answer["task"], answer["language"]) == ("transcribe", "en")
    assert segment["text"] == answer["text"]
    assert segment["end"] == pytest.approx(answer["duration"], abs=0.01)
    assert segment["no_speech_prob"] < 0.6


def test_transcription_when_another_language_is_named_then_it_is_listened_for(client, question):
    answer = transcribe(client, question, response_format="verbose_json", language="fr").json()
    assert answer["language"] == "fr"


def test_transcription_when_openais_own_client_asks_then_it_understands_the_answer(
    inference, question
):
    with openai.OpenAI(base_url=inference.url, api_key="any", max_retries=0) as api:
        for model in ("gpt-4o-mini-transcribe", "whisper-base"):
            answer = api.audio.transcriptions.create(model=model, file=("a.wav", question))
            assert plain_words(answer.text) == plain_words(QUESTION)


# Who is refused, and how


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"model": "gpt-9"}, "model", "whisper-1"),
        ({"model": "tts-1"}, "model", "not for transcription"),
        ({"language": "klingon"}, "language", "ISO 639-1"),
        ({"language": "startoftranscript"}, "language", "ISO 639-1"),
        ({"response_format": "srt"}, "response_format", "verbose_json"),
        ({"temperature": "2"}, "temperature", "1"),
        ({"temperature": "warm"}, "temperature", "number"),
        ({"prompt": "a" * 5000}, "prompt", "4096"),
        ({"stream": "true"}, "stream", "False"),
    ],
)
def test_transcription_when_a_field_is_wrong_then_the_error_names_it(
    client, question, fields, param, said
):
    answer = transcribe(client, question, **fields)
    assert answer.status_code == (404 if fields.get("model") == "gpt-9" else 400), answer.text
    assert answer.json()["error"]["param"] == param
    assert said in answer.json()["error"]["message"]
    assert answer.json()["error"]["code"]


@pytest.mark.parametrize(
    "sound",
    [b"", b"RIFF", b"no sound at all" * 100, b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n"],
    ids=["nothing", "a torn header", "a text", "a playlist"],
)
def test_transcription_when_the_file_is_no_sound_then_the_error_names_it(client, sound):
    answer = transcribe(client, sound)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "file"


def test_transcription_when_there_is_no_file_then_the_error_names_it(client):
    answer = client.post("/audio/transcriptions", data={"model": "whisper-1"}, files={"x": b"x"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
    answer = client.post("/audio/transcriptions", json={"model": "whisper-1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "wrong_content_type")


def test_transcription_when_the_model_is_missing_then_the_error_names_it(client, question):
    answer = client.post("/audio/transcriptions", files={"file": ("a.wav", question)})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model")


def test_transcription_when_the_file_is_too_large_or_too_long_then_it_is_refused(start_inference):
    with (
        start_inference(max_audio_bytes=200_000, max_audio_seconds=5) as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
    ):
        assert transcribe(client, wav_of(np.zeros(RATE * 10))).status_code == 413
        for sound in (
            wav_of(np.zeros(8000 * 6), 8000),
            encoded(wav_of(np.zeros(RATE * 6)), "flac", "flac"),
        ):
            answer = transcribe(client, sound)
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
            assert "5 seconds" in answer.json()["error"]["message"]
        assert transcribe(client, wav_of(np.zeros(RATE))).status_code == 200


# Who waits for whom


def test_transcription_when_another_file_is_long_then_a_short_one_does_not_wait_for_it(
    client, start_inference, question
):
    pause = np.zeros(24_000, np.int16)
    parts = [samples_of(spoken(client, sentence))[0] for sentence in STORY * 2]
    long = wav_of(np.concatenate([x for part in parts for x in (part, pause)]), 24_000)
    with (
        start_inference(hearing_places=1, log_level="DEBUG") as server,
        ThreadPoolExecutor(1) as pool,
        httpx.Client(base_url=server.url, timeout=60) as caller,
    ):
        other = pool.submit(
            lambda: loopback.post(
                f"{server.url}/audio/transcriptions",
                data={"model": "whisper-1"},
                files={"file": ("long.wav", long)},
                timeout=100,
            ).json()
        )
        eventually(lambda: bool(listened(server)), 20, "the long file is listened to")
        for _ in range(3):
            assert plain_words(heard(caller, question)) == plain_words(QUESTION)
        assert not other.done()
        whole = plain_words(" ".join(STORY * 2))
        assert jiwer.wer(whole, plain_words(other.result(100)["text"])) < 0.1
        assert [line["windows"] for line in lines(server, "heard")][:3] == [1, 1, 1]


def test_transcription_when_the_queue_is_full_then_it_is_429_and_says_when_to_return(
    start_inference, question
):
    with (
        start_inference(hearing_places=1, queue_length=1) as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        answers = list(pool.map(lambda _: transcribe(client, question), range(8)))
        refused = [answer for answer in answers if answer.status_code == 429]
        assert {answer.status_code for answer in answers} == {200, 429}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        assert {answer.json()["error"]["code"] for answer in refused} == {"queue_full"}
        assert transcribe(client, question).status_code == 200


def test_transcription_when_the_client_leaves_before_its_turn_then_nothing_is_worked_out(
    start_inference, question
):
    samples, rate = samples_of(question)
    long = wav_of(np.tile(samples, 12)[: rate * 19], rate)
    request = httpx.Request(
        "POST",
        "http://localhost/v1/audio/transcriptions",
        data={"model": "whisper-1"},
        files={"file": ("a.wav", question)},
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    message = f"POST {request.url.path} HTTP/1.1\r\n{head}\r\n".encode() + request.read()
    with (
        start_inference(hearing_places=1, log_level="DEBUG") as server,
        ThreadPoolExecutor(1) as pool,
    ):
        with httpx.Client(base_url=server.url, timeout=60) as client:
            occupied = pool.submit(transcribe, client, long)
            eventually(lambda: bool(listened(server)), 20, "the place is taken")
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", server.port), timeout=10) as gone:
                    gone.sendall(message)
            assert occupied.result(60).status_code == 200
        eventually(lambda: len(lines(server, "client_gone")) == 3, 20, "three have gone")
        assert len(listened(server)) == 1


def test_server_when_asked_again_then_the_connection_is_the_same(inference, question):
    """A call keeps its connection warm, so that a turn pays for no handshake."""
    ports: list[int] = []

    def note(response):
        ports.append(response.extensions["network_stream"].get_extra_info("client_addr")[1])

    with httpx.Client(base_url=inference.url, timeout=30, event_hooks={"response": [note]}) as one:
        for _ in range(3):
            transcribe(one, question)
        one.post("/embeddings", json={"model": "minilm", "input": "Hello."})
    assert len(ports) == 4
    assert len(set(ports)) == 1


def test_speech_when_two_files_are_listened_to_then_it_does_not_wait_for_them(
    inference, client, question
):
    samples, rate = samples_of(question)
    long = wav_of(np.tile(samples, 30), rate)
    with ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(transcribe, client, long) for _ in range(2)]
        done = 0
        while not all(future.done() for future in busy) and done < 5:
            assert len(spoken(client, "One moment, please.")) > 10_000
            done += 1
        assert done == 5
        assert not any(future.done() for future in busy), "speech waited for what was listened to"
        assert {future.result(100).status_code for future in busy} == {200}


def test_server_when_it_logs_a_transcription_then_the_words_are_not_in_it(inference, client):
    sound = spoken(client, "Rhinoceros seventeen.")
    assert "hinoceros" in heard(client, sound)
    assert "hinoceros" not in inference.child.log.read_text()
