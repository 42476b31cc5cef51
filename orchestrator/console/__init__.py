"""The console: a page to call an agent from a browser. Plain files, no build step.

``blueprint`` serves the page at ``/`` and its files below ``/console/``; what the page does it does
by the same API as every other client.
"""

from orchestrator.console.routes import blueprint

__all__ = ["blueprint"]
