"""`POST /v1/embeddings`: which vectors stand for these texts?

Vectors have 384 numbers and length one. Asking for another number of them is refused: this model
was not made so that its vectors can be cut.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, Field, StringConstraints

from inference.bodies import read_json
from inference.catalogue import find_model
from inference.embedding import Embedding
from inference.engines import loaded_engines
from inference.errors import ApiError

embeddings = Blueprint("embeddings", __name__)

Text = Annotated[str, StringConstraints(strict=True, min_length=1)]


class EmbeddingsBody(BaseModel):
    """What OpenAI's embeddings endpoint takes, as far as it means something here."""

    model: str
    input: Text | Annotated[list[Text], Field(min_length=1)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: None = None


@embeddings.post("/v1/embeddings")
def create_embeddings() -> Response:
    """Answer a vector for each text, in the order of the texts."""
    engines = loaded_engines()
    request.max_content_length = engines.settings.max_embeddings_bytes
    body = read_json(request, EmbeddingsBody)
    model = find_model(body.model, "embedding")
    texts = [body.input] if isinstance(body.input, str) else body.input
    most = engines.settings.max_embeddings_inputs
    if len(texts) > most:
        message = f"input: {len(texts)} texts are too many; at most {most} can be embedded at once."
        raise ApiError(400, message, code="array_above_max_length", param="input")
    found = engines.embedder.embed(texts)
    tokens = sum(embedding.tokens for embedding in found)
    return jsonify(
        object="list",
        model=model.id,
        data=[
            {"object": "embedding", "index": index, "embedding": _encoded(embedding, body)}
            for index, embedding in enumerate(found)
        ],
        usage={"prompt_tokens": tokens, "total_tokens": tokens},
    )


def _encoded(embedding: Embedding, body: EmbeddingsBody) -> Any:
    if body.encoding_format == "base64":
        return base64.b64encode(embedding.vector.astype("<f4").tobytes()).decode("ascii")
    return embedding.vector.tolist()
