"""Where can one watch the calls? In Flower (``python -m workers.flower``), each a running task.

Flower's pages are open unless it is told otherwise, so it is only ever started with a password.
"""

from __future__ import annotations

from sessions.errors import ConfigurationError
from sessions.settings import DEVELOPMENT_PASSWORD, Settings, get_settings, is_loopback
from workers.app import app


def main() -> None:
    """Run Flower with the address and the credentials of the settings."""
    app.start(flower_arguments(get_settings()))


def flower_arguments(settings: Settings) -> list[str]:
    """Return Flower's command line; nothing of it shows in the process list.

    Raises:
        ConfigurationError: Flower would be open to the network with a password everybody knows.
    """
    password = settings.flower_password.get_secret_value()
    if password == DEVELOPMENT_PASSWORD and not is_loopback(settings.flower_address):
        raise ConfigurationError(
            f"Flower would listen on {settings.flower_address} with the default password. "
            "Set SWITCHBOARD_FLOWER_PASSWORD."
        )
    return [
        "flower",
        f"--address={settings.flower_address}",
        f"--port={settings.flower_port}",
        f"--basic-auth={settings.flower_user}:{password}",
        "--logging=warning",
    ]


if __name__ == "__main__":
    main()
