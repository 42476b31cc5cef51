"""The dashboard: every call as it happens, for an operator.

``routes`` is the HTTP of it, ``messages`` and ``house_messages`` what its stream says. A web
process has one ``Board``, which holds the picture; one ``Reader`` that keeps its rows and one
``Teller`` that keeps the rest, both at work only while somebody watches; and a ``Seat`` for each
who does.
"""

from orchestrator.dashboard.routes import register

__all__ = ["register"]
