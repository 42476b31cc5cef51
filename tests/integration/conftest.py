"""The web front, for the tests that need it served."""

from tests.fixtures.web import serve_web, web

__all__ = ["serve_web", "web"]
