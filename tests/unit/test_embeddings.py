"""What does a text mean, as numbers? And what if nobody says?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import numpy as np
import pytest

from sessions.errors import ConfigurationError, ProviderError
from sessions.questions.embeddings import Embedder
from tests.support.scripted_answers import Answer, embeddings, error, stalling
from tests.support.scripted_openai import EMBEDDINGS, ScriptedOpenAI, scripted_openai
from tests.support.settings import settings_with


@pytest.fixture
def server() -> Iterator[ScriptedOpenAI]:
    with scripted_openai() as running:
        yield running


@pytest.fixture
def embedder(server: ScriptedOpenAI) -> Iterator[Embedder]:
    made = Embedder(
        settings_with(
            embeddings_url=server.url,
            embeddings_model="words-1",
            embeddings_key="secret",
            provider_stall_seconds=0.3,
        )
    )
    yield made
    made.close()


def test_texts_when_many_then_each_has_its_row_of_unit_length(
    embedder: Embedder, server: ScriptedOpenAI
) -> None:
    texts = [f"text {number}" for number in range(70)]
    vectors = embedder.embed(texts)
    assert vectors.shape == (70, 32)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.allclose(vectors[69], embedder.embed(["text 69"])[0], atol=1e-6)
    request = server.asked(EMBEDDINGS)[0]
    assert (request.key, request.body["model"], embedder.model) == ("secret", "words-1", "words-1")


def test_no_texts_when_embedded_then_there_is_nothing(embedder: Embedder) -> None:
    assert len(embedder.embed([])) == 0


def test_a_text_when_asked_again_then_is_remembered(
    embedder: Embedder, server: ScriptedOpenAI
) -> None:
    embedder.embed(["hello"])
    embedder.embed(["hello"])
    assert len(server.asked(EMBEDDINGS)) == 1


def test_rows_when_they_come_in_another_order_then_are_put_right(
    embedder: Embedder, server: ScriptedOpenAI
) -> None:
    straight = embedder.embed(["one", "two"])
    good = embeddings(["one", "two"])
    body = json.loads(good.pieces[0])
    body["data"].reverse()
    server.script(EMBEDDINGS, Answer([json.dumps(body).encode()]))
    assert np.array_equal(embedder.embed(["one", "two"]), straight)


def test_server_when_busy_for_a_moment_then_is_asked_again(
    embedder: Embedder, server: ScriptedOpenAI
) -> None:
    server.script(EMBEDDINGS, error(429))
    assert embedder.embed(["hello"]).shape == (1, 32)


@pytest.mark.parametrize(
    "answer",
    [
        error(500),
        error(401),
        Answer([b"not json"]),
        Answer([b"[]"]),
        Answer([b'{"data": [{"index": 0}]}']),
        Answer([b'{"data": []}']),
        Answer([b'{"data": [{"index": 0, "embedding": ["x"]}]}']),
        stalling(embeddings(["hello"])),
        stalling(embeddings(["hello"]), after=1),
    ],
)
def test_server_when_it_fails_then_is_a_provider_error(
    embedder: Embedder, server: ScriptedOpenAI, answer: Answer
) -> None:
    server.script(EMBEDDINGS, answer)
    with pytest.raises(ProviderError):
        embedder.embed(["hello"])
    assert embedder.embed(["hello"]).shape == (1, 32)


def test_server_when_away_then_is_a_provider_error_without_the_key() -> None:
    away = Embedder(settings_with(inference_url="http://127.0.0.1:9/v1", inference_key="secret"))
    with pytest.raises(ProviderError, match="does not answer") as caught:
        away.embed(["hello"])
    assert "secret" not in str(caught.value)


def test_url_when_it_has_no_model_then_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="SWITCHBOARD_EMBEDDINGS_MODEL"):
        Embedder(settings_with(embeddings_url="http://127.0.0.1:9/v1"))


def test_process_when_forked_then_opens_a_connection_of_its_own(embedder: Embedder) -> None:
    embedder.embed(["before"])
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            rows = len(embedder.embed(["in the child"]))
        except ProviderError:
            rows = 0
        os.write(write, str(rows).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 8) == b"1"
    assert len(embedder.embed(["in the parent"])) == 1
    os.close(read)
    os.close(write)
