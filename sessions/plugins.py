"""Is a LiveKit plugin installed, and can it do what it is named for?

Importing one takes seconds and LiveKit's whole framework, so its source is looked at instead.
"""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

from sessions.errors import ConfigurationError


def check_plugin(setting: str, plugin: str, needed: str) -> None:
    """Look for a plugin that has the class ``needed``; ``setting`` names it.

    Raises:
        ConfigurationError: it is not installed, or has no such class.
    """
    origin = _source_of(plugin)
    if origin is None:
        package = f"livekit-plugins-{plugin.replace('_', '-')}"
        raise ConfigurationError(
            f"{setting} is {plugin!r}, which is not installed: install {package}."
        )
    if needed not in _names_in(origin):
        raise ConfigurationError(
            f"{setting} is {plugin!r}, which has no {needed}: name a plugin that does."
        )


def _source_of(plugin: str) -> Path | None:
    if not plugin.isidentifier():
        return None
    try:
        spec = find_spec(f"livekit.plugins.{plugin}")
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec is not None and spec.origin else None


def _names_in(source: Path) -> set[str]:
    """Return the names that a module's source defines or imports at its top."""
    names: set[str] = set()
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        match node:
            case ast.ImportFrom() | ast.Import():
                names.update(alias.asname or alias.name for alias in node.names)
            case ast.ClassDef():
                names.add(node.name)
            case ast.Assign():
                names.update(target.id for target in node.targets if isinstance(target, ast.Name))
            case _:
                pass
    return names
