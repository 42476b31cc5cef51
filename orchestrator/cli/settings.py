"""What can be set, and what holds where nothing is set?"""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.output import Cell, json_option, print_json, print_table


@click.command
@click.option("--markdown", is_flag=True, help="Print the page that docs/settings.md holds.")
@json_option
def settings(markdown: bool, as_json: bool) -> None:
    """List every setting with its default; none shows what is set now."""
    described = describe_settings()
    if as_json:
        print_json({"settings": described})
    elif markdown:
        click.echo(as_markdown(described), nl=False)
    else:
        rows: list[list[Cell]] = [
            [(one["name"], "bold"), one["default"], one["description"]] for one in described
        ]
        print_table(("variable", "default", "what it sets"), rows)


def describe_settings() -> list[dict[str, str]]:
    """Return name, default and description of every setting, in the order of the class."""
    from sessions.settings import Settings

    prefix = Settings.model_config.get("env_prefix", "")
    return [
        {
            "name": f"{prefix}{name}".upper(),
            "default": _text(field.get_default(call_default_factory=True)),
            "description": field.description or "",
        }
        for name, field in Settings.model_fields.items()
    ]


def as_markdown(described: list[dict[str, str]]) -> str:
    """Return the page that documents the settings."""
    lines = [
        "# Settings",
        "",
        "Environment variables, or lines of a `.env` file in the working folder. This page is the",
        "output of `switchboard settings --markdown`. The model server has settings of its own, in",
        "[`inference/settings.py`](../inference/settings.py).",
        "",
        "| variable | default | what it sets |",
        "|---|---|---|",
    ]
    for one in described:
        default = f"`{one['default']}`" if one["default"] else ""
        lines.append(f"| `{one['name']}` | {default} | {one['description']} |")
    return "\n".join(lines) + "\n"


def _text(default: Any) -> str:
    from pydantic import SecretStr

    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    return "" if default is None or default == [] else str(default)
