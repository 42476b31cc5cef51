"""May this configuration be reached from outside?"""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from sessions.apikeys import ApiKeys
from sessions.errors import ConfigurationError
from sessions.settings import DEVELOPMENT_SECRET, Mode, Settings


def check_exposure(settings: Settings, apikeys: ApiKeys) -> None:
    """Check that nobody gets in for want of a key or of a secret.

    Raises:
        ConfigurationError: somebody could; the message says what to do.
    """
    if settings.mode is Mode.PRODUCTION:
        _check_production(settings, apikeys)
    elif not settings.binds_loopback:
        raise ConfigurationError(
            f"Development mode asks for no key, so it does not bind {settings.host}. "
            "Set SWITCHBOARD_MODE=production and make a key with `switchboard keys create NAME`, "
            "or set SWITCHBOARD_HOST=127.0.0.1."
        )


def _check_production(settings: Settings, apikeys: ApiKeys) -> None:
    if settings.livekit_api_secret.get_secret_value() == DEVELOPMENT_SECRET:
        raise ConfigurationError(
            "Production must not sign tokens with the development secret that everybody knows. "
            "Set SWITCHBOARD_LIVEKIT_API_SECRET to the secret of your livekit-server, for example "
            "one made with `openssl rand -hex 32`."
        )
    try:
        any_key = apikeys.any_active()
    except SQLAlchemyError as error:
        raise ConfigurationError(
            "The database of the API keys cannot be read. Check SWITCHBOARD_DATABASE_URL and run "
            f"`switchboard migrate`. ({type(error).__name__})"
        ) from error
    if not any_key:
        raise ConfigurationError(
            "Production needs an API key, and there is none. Run `switchboard keys create NAME`."
        )
