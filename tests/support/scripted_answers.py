"""What can a scripted provider answer? Speech, words, wishes to call a function, and errors.

``stalling``, ``cut`` and ``late`` make a bad answer of a good one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import sha256
from typing import Any

import numpy as np

RATE = 24_000
TONE_HZ = 440
_DIMENSIONS = 32
_STREAM = "text/event-stream"


class Then(Enum):
    """What comes after the last piece that is sent."""

    END = "the answer is complete"
    STALL = "nothing, for as long as the client waits"
    CUT = "the connection is closed in the middle"


@dataclass(frozen=True)
class Answer:
    """What a request gets, piece by piece."""

    pieces: Sequence[bytes]
    content_type: str = "application/json"
    status: int = 200
    then: Then = Then.END
    delay: float = 0.0
    """In seconds."""


def stalling(answer: Answer, after: int = 0) -> Answer:
    """Return an answer of which no more than ``after`` pieces come; of none not even headers."""
    return replace(answer, pieces=answer.pieces[:after], then=Then.STALL)


def cut(answer: Answer, after: int = 0) -> Answer:
    """Return an answer that ends in the middle, after so many pieces."""
    return replace(answer, pieces=answer.pieces[:after], then=Then.CUT)


def late(answer: Answer, seconds: float) -> Answer:
    """Return an answer that comes whole, but only after so long."""
    return replace(answer, delay=seconds)


def speech(seconds: float = 1.0, hz: float = TONE_HZ) -> Answer:
    """Return a tone, in pieces of a tenth of a second."""
    times = np.arange(int(seconds * RATE)) / RATE
    pcm = (np.sin(2 * np.pi * hz * times) * 8000).astype("<i2").tobytes()
    size = RATE // 10 * 2
    return Answer([pcm[at : at + size] for at in range(0, len(pcm), size)], "audio/pcm")


def transcript(text: str) -> Answer:
    """Return what was heard."""
    return _json({"text": text})


def words(*tokens: str) -> Answer:
    """Return a worded answer, a piece for each token."""
    deltas: list[dict[str, Any]] = [{"content": token} for token in tokens]
    return _streamed([{"role": "assistant", "content": ""}, *deltas], "stop")


def using(answer: Answer, asked: int, said: int) -> Answer:
    """Return a worded answer at whose end the server tells how many tokens it took."""
    usage = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    chunk = json.dumps({**frame, "choices": [], "usage": usage})
    *pieces, done = answer.pieces
    return replace(answer, pieces=[*pieces, f"data: {chunk}\n\n".encode(), done])


def tool_call(name: str, **arguments: Any) -> Answer:
    """Return the wish to call a function."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    return _streamed([{"role": "assistant", "tool_calls": [call]}], "tool_calls")


def error(status: int = 500, message: str = "Scripted.") -> Answer:
    """Return an error as OpenAI's servers give it."""
    return _json({"error": {"message": message, "type": "scripted", "code": None}}, status)


def embeddings(texts: Sequence[str]) -> Answer:
    """Return a vector for each text that depends on its words alone."""
    rows = [
        {"object": "embedding", "index": i, "embedding": _vector(t)} for i, t in enumerate(texts)
    ]
    usage = {"prompt_tokens": 0, "total_tokens": 0}
    return _json({"object": "list", "data": rows, "model": "scripted", "usage": usage})


def _json(body: dict[str, Any], status: int = 200) -> Answer:
    return Answer([json.dumps(body).encode()], status=status)


def _streamed(deltas: Sequence[dict[str, Any]], reason: str) -> Answer:
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": one, "finish_reason": None} for one in deltas
    ]
    choices.append({"index": 0, "delta": {}, "finish_reason": reason})
    chunks = [json.dumps({**frame, "choices": [choice]}) for choice in choices]
    pieces = [f"data: {chunk}\n\n".encode() for chunk in [*chunks, "[DONE]"]]
    return Answer(pieces, _STREAM)


def whole(answer: Answer) -> Answer:
    """Return a streamed answer as one that is not."""
    if answer.content_type != _STREAM:
        return answer
    chunks = [json.loads(p.removeprefix(b"data: ")) for p in answer.pieces if b"[DONE]" not in p]
    message: dict[str, Any] = {"role": "assistant", "content": None}
    for chunk in chunks:
        delta = chunk["choices"][0]["delta"]
        if delta.get("content"):
            message["content"] = (message["content"] or "") + delta["content"]
        if "tool_calls" in delta:
            message["tool_calls"] = delta["tool_calls"]
    reason = chunks[-1]["choices"][0]["finish_reason"] if chunks else None
    choice = {"index": 0, "message": message, "finish_reason": reason}
    frame = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "m"}
    whole = _json({**frame, "choices": [choice]})
    return replace(whole, then=answer.then, pieces=whole.pieces if answer.then is Then.END else [])


def _vector(text: str) -> list[float]:
    vector = np.zeros(_DIMENSIONS)
    for word in text.lower().split():
        seed = int.from_bytes(sha256(word.encode()).digest()[:8], "big")
        vector += np.random.default_rng(seed).standard_normal(_DIMENSIONS)
    return (vector / (np.linalg.norm(vector) or 1.0)).tolist()
