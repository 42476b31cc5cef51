"""What does the model server say before its models are loaded?"""

from __future__ import annotations

import pytest

from inference.app import create_app
from inference.settings import Settings

SPEECH = {"model": "tts-1", "voice": "Ashley", "input": "Hello."}


@pytest.fixture
def client():
    return create_app(Settings.model_construct()).test_client()


def test_health_when_nothing_is_loaded_then_it_is_503_and_says_when_to_return(client):
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.get_json()["error"]["code"] == "loading"


def test_speech_when_nothing_is_loaded_then_it_is_503(client):
    answer = client.post("/v1/audio/speech", json=SPEECH)
    assert answer.status_code == 503
    assert answer.get_json()["error"]["type"] == "server_error"


def test_answer_when_given_then_bears_an_id_of_its_own(client):
    ids = {client.get("/health").headers["X-Request-Id"] for _ in range(2)}
    assert len(ids) == 2
