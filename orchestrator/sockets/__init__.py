"""The sockets: everything a session does, live, to whoever may follow it.

``register`` gives an app its ``/ws/<session>``; a web process has one ``Hub`` that reads Redis and
one ``Roster`` of its sockets, each of which holds one ``Conversation``.
"""

from orchestrator.sockets.routes import register

__all__ = ["register"]
