"""Do texts become vectors as OpenAI's API says, and do like ones lie close together?"""

from __future__ import annotations

import base64

import httpx
import numpy as np
import openai
import pytest

TEXTS = ["When are you open?", "Do you have parking?", "A much longer text. " * 20, "Ja, bitte!"]


@pytest.fixture(scope="module")
def client(inference):
    with httpx.Client(base_url=inference.url, timeout=30) as client:
        yield client


def ask(client, text, **fields):
    return client.post("/embeddings", json={"model": "minilm", "input": text, **fields})


def vectors(client, text, **fields):
    answer = ask(client, text, **fields)
    assert answer.status_code == 200, answer.text
    return np.array([item["embedding"] for item in answer.json()["data"]], np.float32)


def test_embeddings_when_many_are_asked_for_then_each_is_what_it_is_alone(client):
    together = ask(client, TEXTS).json()
    assert [item["index"] for item in together["data"]] == [0, 1, 2, 3]
    alone = [ask(client, text).json() for text in TEXTS]
    for index, one in enumerate(alone):
        assert one["data"][0]["embedding"] == together["data"][index]["embedding"]
    assert together["usage"]["prompt_tokens"] == sum(one["usage"]["prompt_tokens"] for one in alone)
    assert alone[0]["usage"] == {"prompt_tokens": 7, "total_tokens": 7}


def test_embeddings_when_base64_is_asked_for_then_the_numbers_are_the_same(client):
    plain = vectors(client, TEXTS)
    items = ask(client, TEXTS, encoding_format="base64").json()["data"]
    packed = [np.frombuffer(base64.b64decode(item["embedding"]), "<f4") for item in items]
    np.testing.assert_array_equal(np.array(packed), plain)


def test_embeddings_when_measured_then_they_have_384_numbers_and_length_one(client):
    found = vectors(client, TEXTS)
    assert found.shape == (len(TEXTS), 384)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_embeddings_when_two_texts_mean_the_same_then_they_are_closer_than_others(client):
    question, same, other = vectors(
        client, ["When are you open?", "What are your opening hours?", "My parcel is damaged."]
    )
    assert question @ same > 0.6
    assert question @ other < 0.3


def test_embeddings_when_a_text_is_very_long_then_its_end_counts_too(client):
    long = "We sell bicycles and their parts. " * 200
    first, second = vectors(client, [long, long + "The doctor sees patients on Monday. " * 200])
    assert 0.3 < first @ second < 0.95


def test_embeddings_when_openais_own_client_asks_then_it_understands_the_answer(inference, client):
    with openai.OpenAI(base_url=inference.url, api_key="any", max_retries=0) as api:
        answer = api.embeddings.create(model="text-embedding-3-small", input=TEXTS[:2])
    found = np.array([item.embedding for item in answer.data], np.float32)
    np.testing.assert_allclose(found, vectors(client, TEXTS[:2]), atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"input": ""}, 400, "input"),
        ({"input": []}, 400, "input"),
        ({"input": ["fine", ""]}, 400, "input"),
        ({"input": [1, 2, 3]}, 400, "input"),
        ({"input": None}, 400, "input"),
        ({"input": ["a"] * 2049}, 400, "input"),
        ({"dimensions": 100}, 400, "dimensions"),
        ({"encoding_format": "hex"}, 400, "encoding_format"),
        ({"model": "whisper-1"}, 400, "model"),
        ({"model": "gpt-9"}, 404, "model"),
    ],
)
def test_embeddings_when_a_field_is_wrong_then_the_error_names_it(client, fields, status, param):
    body = {"model": "minilm", "input": "Hello.", **fields}
    answer = client.post("/embeddings", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["param"].partition(".")[0] == param
    assert answer.json()["error"]["message"]


def test_embeddings_when_the_body_is_too_large_then_it_is_413(client):
    assert ask(client, "a" * 1_100_000).status_code == 413
    assert ask(client, "a" * 100_000).status_code == 200


def test_models_when_listed_then_all_three_kinds_are_there(client):
    listed = {model["id"] for model in client.get("/models").json()["data"]}
    assert {"tts-1", "whisper-1", "gpt-4o-mini-transcribe", "minilm"} <= listed
