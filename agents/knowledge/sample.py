"""How does the knowledge base that ships get into the database?

When it is first needed, and again when its files or the model of the embeddings are others.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from agents.knowledge.reading.files import read_folder
from agents.knowledge.storage import BaseInfo
from agents.knowledge.writing import Writer
from sessions.questions.bases import SAMPLE

FOLDER = Path(__file__).with_name("sample")


def is_current(found: BaseInfo | None, model: str) -> bool:
    """Tell whether ``found`` is the sample that ships, made with ``model``."""
    return found is not None and (found.digest, found.model) == (_digest(), model)


def add_sample(writer: Writer) -> None:
    """Put the sample into the database; several processes may do so at once.

    Raises:
        ProviderError: nobody makes embeddings.
    """
    writer.replace(SAMPLE, read_folder(FOLDER).passages, _digest())


@cache
def _digest() -> str:
    """Return a digest of all files of the sample, their names and the code that reads them."""
    digest = hashlib.sha256()
    code = Path(__file__).parent
    readers = [*code.glob("reading/*.py"), code / "passages.py", code / "sentences.py"]
    for path in sorted([*FOLDER.rglob("*"), *readers]):
        if path.is_file():
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
