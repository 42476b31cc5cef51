"""What can be set for the model server, under which name, and what holds where nothing is set?

Every variable has the prefix ``SWITCHBOARD_INFERENCE_``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """All settings of the model server."""

    model_config = SettingsConfigDict(
        env_prefix="SWITCHBOARD_INFERENCE_", env_file=".env", extra="ignore"
    )

    host: str = Field(default="127.0.0.1", description="The address to bind.")
    port: int = Field(default=8100, ge=1, le=65535, description="The port to bind.")
    threads: int = Field(
        default=32, ge=2, le=512, description="How many requests are served at the same time."
    )
    key: SecretStr | None = Field(
        default=None, description="When set, every /v1 request needs it as its bearer token."
    )
    json_logs: bool = Field(
        default=False, description="Log JSON, one object a line, instead of lines for people."
    )
    log_level: str = Field(default="INFO", description="The least severe level that is logged.")
    cache_folder: Path = Field(
        default=Path("var/models"),
        description="Where the weights of Whisper are put together, 150 MB.",
    )
    max_body_bytes: int = Field(
        default=64 * 1024, ge=1024, description="The longest request body, in bytes."
    )
    max_audio_bytes: int = Field(
        default=25 * 1024 * 1024, ge=1024, description="The longest body with a sound file in it."
    )
    max_audio_seconds: float = Field(
        default=600, gt=0, description="The longest sound one request may have transcribed."
    )
    max_input_characters: int = Field(
        default=4096, ge=1, description="The longest text one request may have spoken."
    )
    max_embeddings_bytes: int = Field(
        default=1024 * 1024, ge=1024, description="The longest body with texts to embed."
    )
    max_embeddings_inputs: int = Field(
        default=2048, ge=1, description="The most texts one request may have embedded."
    )
    model_threads: int = Field(
        default=1, ge=1, le=64, description="Processor threads one run of a model uses."
    )
    places: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Pieces of speech made at the same time; of embeddings as well.",
    )
    hearing_places: int = Field(
        default=2, ge=1, le=64, description="Recordings heard at the same time."
    )
    queue_length: int = Field(
        default=16, ge=0, description="Requests that may wait for a place; one more gets a 429."
    )
    queue_seconds: float = Field(
        default=5.0, gt=0, description="The longest wait for a place before a 429."
    )
    stalled_client_seconds: float = Field(
        default=10.0,
        gt=0,
        description="A client that takes or sends nothing for this long is let go.",
    )
    graceful_seconds: int = Field(
        default=5, ge=1, description="How long running requests may take to end at a stop."
    )


@cache
def load_settings() -> Settings:
    """Return this process's settings, read from the environment once."""
    return Settings()
