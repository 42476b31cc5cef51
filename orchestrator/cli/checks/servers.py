"""Do the servers that speak HTTP answer as they should?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.cli.checks.finding import PATIENCE_SECONDS, Finding, Patient, broken, ok, warning

if TYPE_CHECKING:
    import httpx

_OK, _UNAUTHORISED, _FORBIDDEN = 200, 401, 403
_MEANT = {"ws": "http", "wss": "https"}


def check_livekit(patient: Patient) -> Finding:
    """Check that livekit-server answers and takes our key."""
    from livekit.api import AccessToken, VideoGrants

    settings = patient.settings
    scheme, _, rest = settings.livekit_url.partition("://")
    url = f"{_MEANT.get(scheme, scheme)}://{rest.rstrip('/')}"
    if (answer := _ask("GET", url)) is None or answer.status_code != _OK:
        return broken(
            f"livekit-server does not answer at {settings.livekit_url}. Start it (`make run` "
            "does), or set SWITCHBOARD_LIVEKIT_URL to where it is."
        )
    secret = settings.livekit_api_secret.get_secret_value()
    token = AccessToken(settings.livekit_api_key, secret).with_grants(VideoGrants(room_list=True))
    headers = {"Authorization": f"Bearer {token.to_jwt()}"}
    path = "/twirp/livekit.RoomService/ListRooms"
    answer = _ask("POST", url + path, json={}, headers=headers)
    if answer is not None and answer.status_code == _OK:
        rooms = len(answer.json().get("rooms", []))
        return ok(
            f"livekit-server at {settings.livekit_url} takes our key and holds {rooms} rooms."
        )
    if answer is not None and answer.status_code in (_UNAUTHORISED, _FORBIDDEN):
        return broken(
            f"livekit-server at {settings.livekit_url} refuses our key. Set "
            "SWITCHBOARD_LIVEKIT_API_KEY and _SECRET to one that it has."
        )
    return broken(f"{settings.livekit_url} answers, and not as livekit-server does.")


def check_inference(patient: Patient) -> Finding:
    """Check that the house's own model server is well, if anything falls to it."""
    from sessions.providers import uses_embedded

    url = patient.settings.inference_url
    problem = _judge_health(url.rstrip("/"))
    if problem is None:
        return ok(f"The model server answers at {url} and has its models.")
    if uses_embedded(patient.settings):
        return broken(problem)
    return warning(f"{problem} Calls go on without it, and nobody stands in for the providers.")


def check_web(patient: Patient) -> Finding:
    """Check that the web front answers, and that it finds what it needs."""
    health = _object(_ask("GET", f"{patient.url}/health"))
    if health is None:
        return broken(
            f"The web front does not answer at {patient.url}. Start it (`make run` does), or set "
            "SWITCHBOARD_PUBLIC_URL to where it is."
        )
    if health.get("status") != "ok":
        return broken(f"Something else answers at {patient.url}. Set SWITCHBOARD_PORT to another.")
    ready = _object(_ask("GET", f"{patient.url}/ready"))
    if ready is None:
        return broken(f"The web front at {patient.url} does not say whether it is ready.")
    if not ready.get("ready"):
        missing = ", ".join(ready.get("missing", []))
        return broken(f"The web front at {patient.url} misses {missing}. See to those first.")
    return ok(f"The web front {health.get('version')} answers at {patient.url} and is ready.")


def check_flower(patient: Patient) -> Finding:
    """Check that Flower answers, and asks for a password first."""
    settings = patient.settings
    host = settings.flower_address
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.flower_port}/"
    answer = _ask("GET", url)
    if answer is None:
        return warning(
            f"Flower does not answer at {url}. Calls go on without it; "
            "`python -m workers.flower` starts it."
        )
    if answer.status_code == _UNAUTHORISED:
        return ok(f"Flower answers at {url} and asks for a password.")
    if answer.status_code == _OK:
        return broken(f"Flower at {url} is open to anybody. Set its basic_auth.")
    return warning(f"Something else answers at {url}. Set SWITCHBOARD_FLOWER_PORT to another.")


def _judge_health(base: str) -> str | None:
    """Return what is wrong with the house's own model server, if anything."""
    url = f"{base.removesuffix('/v1')}/health"
    answer = _ask("GET", url)
    if answer is None:
        return (
            f"The model server does not answer at {url}. Start it (`make run` does), or set "
            "SWITCHBOARD_INFERENCE_URL to where it is."
        )
    if answer.status_code != _OK:
        return f"The model server at {url} is not ready ({answer.status_code})."
    return None


def _ask(method: str, url: str, **more: Any) -> httpx.Response | None:
    """Return the answer to a request, or ``None`` if there is none in time."""
    import httpx

    try:
        return httpx.request(method, url, timeout=PATIENCE_SECONDS, **more)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None


def _object(answer: httpx.Response | None) -> dict[str, Any] | None:
    """Return the JSON object in an answer; an empty one if it is something else."""
    if answer is None:
        return None
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
