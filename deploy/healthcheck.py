"""Is the process in this container well? ``worker|upkeep|beat|bridge`` or ``http URL`` asks so.

It ends with 0 if so, and with a sentence if not. `celery inspect ping` would tell of the workers
too, but loads the whole command line first, and so costs more than twice as much.
"""

from __future__ import annotations

import sys
from urllib.error import URLError
from urllib.request import urlopen

_PATIENCE_SECONDS = 3.0


def main(arguments: list[str]) -> None:
    """Run the check that is asked for."""
    match arguments:
        case ["http", url]:
            _http(url)
        case ["worker"]:
            _worker()
        case ["upkeep"]:
            _upkeep()
        case ["beat"]:
            _beat()
        case ["bridge"]:
            _bridge()
        case _:
            sys.exit(__doc__)


def _http(url: str) -> None:
    try:
        # No request chooses this address: the compose file does.
        urlopen(url, timeout=_PATIENCE_SECONDS).close()  # noqa: S310
    except (OSError, URLError) as error:
        sys.exit(f"{url} does not answer well: {error}")


def _worker() -> None:
    """A session worker is well while its main loop renews the record that the house counts on."""
    from sessions.connections import connect
    from sessions.fleet import Fleet
    from sessions.settings import get_settings, host_name

    settings = get_settings()
    if not any(one.host == host_name() for one in Fleet(connect(settings), settings).alive()):
        sys.exit("No session worker of this container has reported lately.")


def _upkeep() -> None:
    """An upkeep worker keeps no record, so its main loop is asked for an answer."""
    from sessions.settings import host_name
    from workers.app import app

    name = f"upkeep@{host_name()}"
    if not app.control.ping(destination=[name], timeout=_PATIENCE_SECONDS):
        sys.exit(f"{name} does not answer.")


def _beat() -> None:
    """Beat is well while somebody extends its lock: of several, all but one only wait for it."""
    from sessions import keys
    from sessions.connections import connect
    from sessions.settings import get_settings

    if not connect(get_settings()).exists(keys.BEAT_LOCK):
        sys.exit("Nobody holds beat's lock.")


def _bridge() -> None:
    """A bridge is well while the broker counts it among those who share the questions."""
    from sessions.settings import get_settings
    from workers.kafka.bridge import ROLE
    from workers.kafka.clients import client_name, make_admin
    from workers.kafka.topics import Names

    settings = get_settings()
    group = Names.of(settings).bridges
    # Kept, because the answer never comes to a client that has gone.
    admin = make_admin(settings, "healthcheck")
    asked = admin.describe_consumer_groups([group], request_timeout=_PATIENCE_SECONDS)
    members = asked[group].result(_PATIENCE_SECONDS).members
    if client_name(ROLE) not in {member.client_id for member in members}:
        sys.exit(f"The bridge of this container is not in the group {group}.")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    # Docker keeps a few lines of what a check says, and a traceback is not what helps there.
    except Exception as error:  # noqa: BLE001
        sys.exit(f"Redis or Kafka does not answer, or something else is wrong: {error}")
