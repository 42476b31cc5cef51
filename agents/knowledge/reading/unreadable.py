"""What is said of a file that cannot be read?"""

from __future__ import annotations


class UnreadableFileError(Exception):
    """A file that is left out; the message says why, in words that follow the file's name."""
