"""What does a view take, and what does it give? Said once, beside the view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])
Answers = Mapping[int, type[BaseModel] | str | None]
"""For each status a model of JSON, the media type of something else, or that there is nothing."""

_ATTRIBUTE = "__operation__"


@dataclass(frozen=True, slots=True)
class Operation:
    """What a view takes and gives."""

    summary: str
    tag: str
    answers: Answers
    problems: tuple[int, ...] = ()
    body: type[BaseModel] | str | None = None
    query: type[BaseModel] | None = None
    request_headers: tuple[str, ...] = ()
    answer_headers: tuple[str, ...] = ()
    public: bool = False

    @property
    def all_problems(self) -> list[int]:
        """Return every status that comes as a problem."""
        always = () if self.public else (401, 403, 429, 500, 503)
        of_body = (400, 413, 415) if self.body else ()
        of_fields = (422,) if self.body and not isinstance(self.body, str) else ()
        of_query = (422,) if self.query else ()
        every = {*self.problems, *always, *of_body, *of_fields, *of_query} - set(self.answers)
        return sorted(every)


def documented(operation: Operation) -> Callable[[View], View]:
    """Attach what the OpenAPI document says of a view."""

    def attach(view: View) -> View:
        setattr(view, _ATTRIBUTE, operation)
        return view

    return attach


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Return what is said of a view, or ``None`` if it is not documented."""
    return getattr(view, _ATTRIBUTE, None)
