"""Does the house speak as OpenAI's API says, in six voices, at once, for everybody?"""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import socket
import wave
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import numpy as np
import pytest
from livekit.agents.utils import http_context
from livekit.plugins import openai

from tests.support import loopback
from tests.support.eventually import eventually
from tests.support.pitch import median_pitch

RATE = 24_000
VOICES = ["Ashley", "Craig", "Edward", "Olivia", "Priya", "Wendy"]
SENTENCES = [
    "Your appointment is on Thursday, and the doctor will call you back before lunch.",
    "Good morning! I can help you move a booking, or find the nearest branch.",
]
LONG = "This sentence is one of many, and each of them takes a while to say. " * 50


@pytest.fixture(scope="module")
def client(inference):
    with httpx.Client(base_url=inference.url, timeout=30) as client:
        yield client


def body(text, **fields):
    return {"model": "tts-1", "voice": "Ashley", "response_format": "pcm", "input": text, **fields}


def speak(client, text, **fields):
    answer = client.post("/audio/speech", json=body(text, **fields))
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, "<i2")


def ask(server, text):
    """Send a request for `text` over a socket of our own, and return it once audio arrives."""
    content = json.dumps(body(text)).encode()
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.sendall(
        b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(content), content)
    )
    assert connection.recv(64).startswith(b"HTTP/1.1 200")
    return connection


def spoken_lines(server):
    """Return what the server has logged about its speeches."""
    lines = server.child.log.read_text().splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    return [event for event in events if event["event"] == "spoke"]


# What is heard


def test_speech_when_pcm_is_asked_for_then_it_is_24_khz_mono_speech(client):
    answer = client.post("/audio/speech", json=body(SENTENCES[0]))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/pcm"
    assert answer.headers["transfer-encoding"] == "chunked"
    samples = np.frombuffer(answer.content, "<i2") / 32768
    assert 3 < len(samples) / RATE < 8
    assert 0.02 < np.sqrt((samples**2).mean()) < 0.2
    assert np.abs(samples).max() < 0.99


def test_speech_when_wav_is_asked_for_then_the_header_tells_the_truth(client):
    answer = client.post("/audio/speech", json=body(SENTENCES[0], response_format="wav"))
    assert answer.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (RATE, 1, 2)
        assert len(answer.content) == 44 + 2 * reader.getnframes()


def test_speech_when_it_begins_then_there_is_no_long_silence_first(client):
    for voice in VOICES:
        loud = np.flatnonzero(np.abs(speak(client, SENTENCES[0], voice=voice)) > 300)
        assert loud[0] / RATE < 0.15, voice


@pytest.mark.parametrize("sentence", SENTENCES, ids=["statement", "offer"])
def test_voices_when_they_say_the_same_then_any_two_differ_in_pitch(client, sentence):
    pitch = {voice: median_pitch(speak(client, sentence, voice=voice), RATE) for voice in VOICES}
    for low, high in itertools.pairwise(sorted(pitch.values())):
        assert high / low >= 1.08, pitch
    assert sorted(pitch, key=pitch.__getitem__)[:2] == ["Craig", "Edward"], pitch


def test_voices_when_they_say_the_same_then_none_takes_much_longer(client):
    seconds = [len(speak(client, SENTENCES[0], voice=voice)) for voice in VOICES]
    assert max(seconds) / min(seconds) < 1.3


def test_speech_when_speed_changes_then_so_does_the_length_and_not_the_pitch(client):
    usual, fast = (speak(client, SENTENCES[0], speed=speed) for speed in (1.0, 1.5))
    assert len(usual) / len(fast) == pytest.approx(1.5, rel=0.15)
    assert median_pitch(fast, RATE) == pytest.approx(median_pitch(usual, RATE), rel=0.08)


@pytest.mark.parametrize("speed", [0.25, 4.0])
def test_speech_when_speed_is_at_its_limit_then_it_speaks(client, speed):
    assert len(speak(client, "Hello there.", voice="craig", speed=speed)) > 0.2 * RATE


@pytest.mark.parametrize("text", ["...", "👍🏽 🎉", "?!", "—", "你好", "\u200b."])
def test_speech_when_nothing_can_be_said_then_there_is_a_short_silence(client, text):
    samples = speak(client, text)
    assert 0.1 < len(samples) / RATE < 0.5
    assert not samples.any()


@pytest.mark.parametrize(
    "text",
    ["42", "9:30", "$5", "e-mail", "“Quoted,” she said — it’s fine.", "50% of R&D", "a" * 4096],
)
def test_speech_when_text_is_not_plain_words_then_it_speaks(client, text):
    assert np.abs(speak(client, text)).max() > 1000


def test_speech_when_many_speak_at_once_then_each_gets_all_of_its_own(client):
    texts = ["One.", "Twenty two apples.", "Three hundred and thirty three green bottles."]
    alone = [len(speak(client, text)) for text in texts]
    with ThreadPoolExecutor(9) as pool:
        together = list(pool.map(lambda text: len(speak(client, text)), texts * 3))
    # Silence at the start is cut by its sound, which has noise in it; the rest has a fixed length.
    assert together == pytest.approx(alone * 3, abs=0.05 * RATE)


@pytest.mark.parametrize("model", ["tts-1", "gpt-4o-mini-tts"])
def test_speech_when_livekits_plugin_asks_then_it_gets_frames(inference, model):
    async def frames():
        async with http_context.open():
            engine = openai.TTS(
                base_url=inference.url,
                api_key="any",
                model=model,
                voice="Wendy",
                response_format="pcm",
            )
            async with engine.synthesize(SENTENCES[0]) as stream:
                heard = [event.frame async for event in stream]
            await engine.aclose()
            return heard

    heard = asyncio.run(frames())
    assert {(frame.sample_rate, frame.num_channels) for frame in heard} == {(RATE, 1)}
    assert 3 < sum(frame.duration for frame in heard) < 8


# Who is refused, and how


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"input": ""}, "input", "at least 1"),
        ({"input": "  "}, "input", "no text"),
        ({"input": "a" * 4097}, "input", "4096"),
        ({"input": None}, "input", "string"),
        ({"voice": "Nobody"}, "voice", "Ashley, Craig, Edward, Olivia, Priya, Wendy"),
        ({"voice": 7}, "voice", "string"),
        ({"response_format": "mp3"}, "response_format", "'pcm' or 'wav'"),
        ({"speed": 0.1}, "speed", "0.25"),
        ({"speed": 5}, "speed", "4"),
        ({"stream_format": "smoke"}, "stream_format", "'audio' or 'sse'"),
    ],
)
def test_speech_when_a_field_is_wrong_then_the_error_names_it(client, fields, param, said):
    answer = client.post("/audio/speech", json=body("Hello.", **fields))
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["param"] == param
    assert said in error["message"]
    assert error["type"] == "invalid_request_error"
    assert error["code"]


@pytest.mark.parametrize("missing", ["input", "voice", "model"])
def test_speech_when_a_field_is_missing_then_the_error_names_it(client, missing):
    fields = body("Hello.")
    del fields[missing]
    answer = client.post("/audio/speech", json=fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, missing)


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"input=hello", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b'{"input": "' + b"a" * 65536 + b'"}', "application/json", 413),
    ],
)
def test_speech_when_the_body_is_unreadable_then_the_error_has_the_apis_shape(
    client, content, content_type, status
):
    answer = client.post("/audio/speech", content=content, headers={"content-type": content_type})
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/audio/speech", 405), ("GET", "/models/gpt-9", 404)],
)
def test_server_when_the_path_or_method_is_wrong_then_the_error_has_the_apis_shape(
    client, method, path, status
):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_speech_when_the_model_is_unknown_then_it_is_404_and_lists_the_known_ones(client):
    answer = client.post("/audio/speech", json=body("Hello.", model="gpt-9"))
    assert answer.status_code == 404
    assert answer.json()["error"]["param"] == "model"
    assert "tts-1" in answer.json()["error"]["message"]


def test_speech_when_a_body_is_too_large_then_the_connection_still_serves(client):
    for size in (70_000, 200_000, 500_000):
        refused = client.post("/audio/speech", json=body("a" * size))
        assert refused.status_code == 413
        assert client.get("/models").status_code == 200


def test_server_when_a_body_never_ends_then_it_stops_waiting(start_inference):
    with (
        start_inference(stalled_client_seconds=0.3) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection,
    ):
        connection.sendall(
            b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\n"
            b'Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{"input":'
        )
        assert connection.recv(64).startswith(b"HTTP/1.1 400")


# What else it answers


def test_models_when_listed_then_each_can_be_read_alone(client):
    listed = client.get("/models").json()
    assert listed["object"] == "list"
    assert {"tts-1", "hibari"} <= {model["id"] for model in listed["data"]}
    for model in listed["data"]:
        assert client.get(f"/models/{model['id']}").json() == model


def test_health_when_loaded_then_it_says_what_is(inference):
    answer = loopback.get(inference.health)
    assert answer.json()["status"] == "ok"
    assert "tts-1" in answer.json()["models"]


# Who waits for whom


def test_speech_when_clients_stall_or_leave_then_nobody_waits_for_them(start_inference):
    with ExitStack() as stack:
        server = stack.enter_context(start_inference(places=1, stalled_client_seconds=1))
        for _ in range(3):
            stack.enter_context(ask(server, LONG))
        ask(server, LONG).close()
        assert loopback.post(f"{server.url}/audio/speech", json=body("Next.")).status_code == 200
        eventually(lambda: len(spoken_lines(server)) == 5, 15, "all five speeches are over")
        complete = [line["complete"] for line in spoken_lines(server)]
        assert sorted(complete) == [False] * 4 + [True]


def test_speech_when_the_queue_is_full_then_it_is_429_and_says_when_to_return(start_inference):
    with start_inference(places=1, queue_length=0) as server, ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda _: loopback.post(
                    f"{server.url}/audio/speech", json=body(LONG[:1000]), timeout=60
                ),
                range(8),
            )
        )
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert {answer.json()["error"]["code"] for answer in refused} == {"queue_full"}


def test_server_when_a_key_is_set_then_only_those_who_bring_it_are_served(start_inference):
    with start_inference(key="open sesame") as server:
        url = f"{server.url}/models"
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "open sesame"}):
            answer = loopback.get(url, headers=headers)
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "invalid_api_key"
        brought = loopback.get(url, headers={"authorization": "Bearer open sesame"})
        assert brought.status_code == 200
        assert loopback.get(server.health).status_code == 200


def test_server_when_it_logs_a_speech_then_the_words_are_not_in_it(inference, client):
    speak(client, "Rhinoceros seventeen.")
    eventually(
        lambda: any(line["characters"] == 21 for line in spoken_lines(inference)), 5, "it is logged"
    )
    assert "hinoceros" not in inference.child.log.read_text()


def test_server_when_it_is_told_to_stop_then_it_is_gone_at_once(start_inference):
    with start_inference() as server:
        assert loopback.get(server.health).status_code == 200
        assert server.child.stop(grace=5) == 0
