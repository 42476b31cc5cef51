"""What stands in a PDF? The text of its pages; of a scan, which is only pictures, nothing."""

from __future__ import annotations

import io
from collections.abc import Sequence

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from agents.knowledge.passages import Section
from agents.knowledge.reading.plain import read_lines
from agents.knowledge.reading.unreadable import UnreadableFileError

_MOST_PAGES = 2_000


def read_pdf(content: bytes) -> Sequence[Section]:
    """Return the sections of a PDF; where there are several pages, each below its number.

    Raises:
        UnreadableFileError: it is broken, locked, too long, or a scan.
    """
    try:
        texts = _texts(content)
    except UnreadableFileError:
        raise
    # pypdf meets broken files with errors of many kinds.
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableFileError(f"is a broken PDF ({type(error).__name__})") from error
    if not any(text.strip() for text in texts):
        raise UnreadableFileError("holds no text; is it a scan?")
    many = len(texts) > 1
    return [
        section
        for number, text in enumerate(texts, 1)
        for section in read_lines(text, [f"page {number}"] if many else [])
    ]


def _texts(content: bytes) -> list[str]:
    reader = PdfReader(io.BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableFileError("is locked by a password")
    if len(reader.pages) > _MOST_PAGES:
        raise UnreadableFileError(f"has {len(reader.pages)} pages; at most {_MOST_PAGES} are read")
    return [page.extract_text() for page in reader.pages]
