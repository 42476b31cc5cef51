"""What can be set, under which name, and what holds where nothing is set?

Every variable has the prefix ``SWITCHBOARD_``; a ``.env`` file in the working folder is read too.
"""

from __future__ import annotations

import ipaddress
import socket
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEVELOPMENT_SECRET = "switchboard-development-secret-0123456789"
DEVELOPMENT_PASSWORD = "switchboard"
MAX_DURATION_SECONDS = 14_000
"""The longest a call may ask for: what Redis keeps of a session lives for four hours."""
MAX_QUEUE_SECONDS = 3600
"""The longest a session may ask to wait for an agent."""
MAX_PRIORITY = 9


class Mode(StrEnum):
    """How strict the house is about who may come in."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class TaskTransport(StrEnum):
    """What carries a question to whoever answers it."""

    CELERY = "celery"
    KAFKA = "kafka"


class KafkaSecurity(StrEnum):
    """Whether the way to Kafka is encrypted, and whether a user proves who it is."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"

    @property
    def has_user(self) -> bool:
        """Tell whether a user and a password are needed."""
        return self in {KafkaSecurity.SASL_PLAINTEXT, KafkaSecurity.SASL_SSL}


def _split(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """All settings of the orchestrator, the workers and the agents."""

    model_config = SettingsConfigDict(
        env_prefix="SWITCHBOARD_",
        env_file=".env",
        extra="ignore",
        hide_input_in_errors=True,  # what is wrong may be a secret.
    )

    mode: Mode = Field(
        default=Mode.DEVELOPMENT,
        description="`development` asks for no key and binds loopback only; `production` asks.",
    )
    log_level: str = Field(default="INFO", description="The least severe level that is logged.")

    otlp_endpoint: str = Field(
        default="",
        description="Where traces go over OTLP/HTTP, as `http://collector:4318`; empty: as "
        "`OTEL_EXPORTER_OTLP_ENDPOINT` says, or nowhere.",
    )

    host: str = Field(default="127.0.0.1", description="The address the web front binds.")
    port: int = Field(default=8000, ge=1, le=65535, description="The port the web front binds.")
    web_workers: int = Field(
        default=1, ge=1, le=64, description="How many web processes serve HTTP."
    )
    public_url: str = Field(
        default="",
        description="Where callers reach the web front; empty takes it from each request.",
    )
    open_docs: bool = Field(
        default=False,
        description="Whether anybody may read `/docs` and `/openapi.json` in production.",
    )
    cors_origins: CommaSeparated = Field(
        default_factory=list,
        description="Origins that browsers may call from; development adds any localhost origin.",
    )
    socket_queue: int = Field(
        default=256,
        ge=8,
        description="Events a WebSocket may lag behind before it is closed with 1013.",
    )
    sockets_per_session: int = Field(
        default=16, ge=1, description="How many WebSockets of one session a web process holds."
    )
    socket_messages_per_minute: int = Field(
        default=600,
        ge=0,
        description="A client that sends more on its WebSocket is closed with 1008; 0: no limit.",
    )

    dashboard_streams: int = Field(
        default=16, ge=1, description="How many open dashboards a web process feeds."
    )

    redis_port: int = Field(
        default=6399, ge=1, le=65535, description="The port of the Redis that `make run` starts."
    )
    redis_url: str = Field(
        default="",
        description="The Redis that holds the truth; empty means the one at `redis_port` here.",
    )
    redis_timeout_seconds: float = Field(
        default=1.5,
        gt=0,
        le=10,
        description="How long one Redis command may take before it has failed.",
    )
    database_url: str = Field(
        default="sqlite:///var/switchboard.db",
        description="The SQLAlchemy URL of the archive, the API keys and the knowledge bases.",
    )

    house: str = Field(
        default="switchboard",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="The name of this house; houses that share a livekit-server need one each.",
    )
    livekit_port: int = Field(
        default=7880,
        ge=1,
        le=65533,
        description="The port of the livekit-server of `make run`; media use the next two.",
    )
    livekit_url: str = Field(
        default="",
        description="Where agents and upkeep reach livekit-server; empty: at `livekit_port` here.",
    )
    livekit_public_url: str = Field(
        default="", description="Where callers reach livekit-server; empty means `livekit_url`."
    )
    livekit_api_key: str = Field(default="devkey", description="The key that signs LiveKit tokens.")
    livekit_api_secret: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_SECRET),
        min_length=32,
        description="The secret of that key, 32 characters or more.",
    )
    token_ttl_seconds: int = Field(
        default=900,
        ge=30,
        le=86_400,
        description="How long a session token is valid at least; it is while the session may last.",
    )

    inference_port: int = Field(
        default=8100, ge=1, le=65535, description="The port of the house's own model server."
    )
    inference_url: str = Field(
        default="",
        description="The house's own model server; empty: at `inference_port` here. Whatever names "
        "no other provider goes there, and what fails falls back to it.",
    )
    inference_key: SecretStr = Field(
        default=SecretStr("none"), description="The API key for `inference_url`."
    )
    stt_url: str = Field(
        default="", description="The OpenAI-compatible server that hears; empty: the house's own."
    )
    stt_key: SecretStr = Field(
        default=SecretStr("none"), description="The API key for `stt_url` or the plugin."
    )
    stt_model: str = Field(
        default="", description="The model asked for there; needed where `stt_url` is set."
    )
    stt_plugin: str = Field(
        default="",
        description="An installed LiveKit plugin that hears instead, such as `deepgram`.",
    )
    tts_url: str = Field(
        default="", description="The OpenAI-compatible server that speaks; empty: the house's own."
    )
    tts_key: SecretStr = Field(
        default=SecretStr("none"), description="The API key for `tts_url` or the plugin."
    )
    tts_model: str = Field(
        default="", description="The model asked for there; needed where `tts_url` is set."
    )
    tts_plugin: str = Field(
        default="",
        description="An installed LiveKit plugin that speaks instead, such as `cartesia`.",
    )
    tts_provider: str = Field(
        default="embedded", description="Which column of the voice catalogue names the voice there."
    )
    llm_url: str = Field(
        default="",
        description="The OpenAI-compatible server that thinks; empty: nobody, and answers are "
        "passages of the knowledge base.",
    )
    llm_key: SecretStr = Field(
        default=SecretStr("none"), description="The API key for `llm_url` or the plugin."
    )
    llm_model: str = Field(
        default="", description="The model asked for there; needed where `llm_url` is set."
    )
    llm_plugin: str = Field(
        default="",
        description="An installed LiveKit plugin that thinks instead, such as `anthropic`.",
    )
    embeddings_url: str = Field(
        default="",
        description="The OpenAI-compatible server that finds passages; empty: the house's own.",
    )
    embeddings_key: SecretStr = Field(
        default=SecretStr("none"), description="The API key for `embeddings_url`."
    )
    embeddings_model: str = Field(
        default="", description="The model asked for there; needed where `embeddings_url` is set."
    )
    provider_stall_seconds: float = Field(
        default=4.0,
        gt=0,
        description="How long a provider may be silent in the middle of a turn before it is left.",
    )
    provider_patience_seconds: float = Field(
        default=10.0,
        ge=0,
        description="How long a call goes on while nobody can speak for its agent.",
    )
    provider_cooldown_seconds: float = Field(
        default=30.0,
        ge=0,
        description="How long a provider that failed in a call is left alone before it is asked "
        "again; twice as long after each failure in a row, at most eight times.",
    )
    apology_line: str = Field(
        default="Sorry, I had a problem for a moment.",
        description="What an agent says when a provider has failed; empty: nothing.",
    )
    voices_file: Path | None = Field(
        default=None, description="A TOML voice catalogue to use in place of the one that ships."
    )

    default_voice: str = Field(
        default="Ashley", description="The voice of a session that names none."
    )
    default_opening_line: str = Field(
        default="Hello {userName}, thank you for calling. How can I help you today?",
        description="What an agent says first where the session sets nothing.",
    )
    default_system_prompt: str = Field(
        default="You are a friendly and brief voice assistant.",
        description="The prompt of a session that brings none.",
    )
    default_agent: str = Field(
        default="assistant", description="The agent of a session that names none."
    )
    agents: CommaSeparated = Field(
        default_factory=list,
        description="Agents of your own, as `name=package.module:factory`, several by commas.",
    )
    default_knowledge: str = Field(
        default="sample",
        description="The knowledge base of a session that names none; `sample` ships.",
    )
    knowledge_min_score: float = Field(
        default=0.44,
        ge=0,
        le=1,
        description="How well a passage must fit a question to be its answer; what fits less well "
        "is not said. Higher: fewer wrong answers, more questions left to people.",
    )
    intents_file: Path | None = Field(
        default=None, description="A TOML table of intents to add to those that ship."
    )
    recovery_line: str = Field(
        default="Sorry, I was cut off. You were asking about {topic}.",
        description="What an agent says that takes a call over in the middle, where the session "
        "sets nothing. `{topic}` is what the caller has asked about last, worded for English, "
        "`{question}` their own words; a sentence with either is left out where they have asked "
        "nothing. Empty: it says nothing.",
    )

    turn_pause_seconds: float = Field(
        default=0.4,
        ge=0.2,
        le=5,
        description="A caller who is silent for so long after a sentence gets an answer.",
    )
    unfinished_pause_seconds: float = Field(
        default=1.0,
        ge=0.2,
        le=10,
        description="The same for a caller who has stopped in the middle of a sentence.",
    )
    barge_in_seconds: float = Field(
        default=0.06,
        ge=0,
        le=5,
        description="How long a caller must speak before the agent falls silent for them.",
    )
    false_alarm_seconds: float = Field(
        default=1.0,
        ge=0.2,
        le=10,
        description="An agent that fell silent for a mere noise goes on after so long.",
    )

    task_transport: TaskTransport = Field(
        default=TaskTransport.CELERY,
        description="How questions reach whoever answers them: `celery` or `kafka`.",
    )
    kafka_bootstrap_servers: str = Field(
        default="127.0.0.1:9092", description="The Kafka brokers to ask first."
    )
    kafka_security_protocol: KafkaSecurity = Field(
        default=KafkaSecurity.PLAINTEXT,
        description="How to speak to them: `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.",
    )
    kafka_sasl_mechanism: str = Field(
        default="SCRAM-SHA-512",
        pattern=r"^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$",
        description="How the user proves who it is: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.",
    )
    kafka_user: str = Field(default="", description="The user, where the protocol is a SASL one.")
    kafka_password: SecretStr = Field(
        default=SecretStr(""), description="The password of that user."
    )
    kafka_ca_file: Path | None = Field(
        default=None, description="The CA that signed the brokers; none: those of the system."
    )
    kafka_prefix: str = Field(
        default="",
        max_length=64,
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Put before every topic and group, where several houses share a broker.",
    )
    kafka_partitions: int = Field(
        default=6,
        ge=1,
        le=1000,
        description="Partitions of a topic that is made; so many bridges can share its work.",
    )
    kafka_replication: int = Field(
        default=0, ge=0, le=10, description="Copies of a topic that is made; 0: as the broker says."
    )
    bridge_threads: int = Field(
        default=8,
        ge=1,
        le=256,
        description="Questions that one `switchboard bridge` answers at once.",
    )
    answer_timeout_seconds: float = Field(
        default=30.0,
        gt=0,
        description="A question that nobody has answered after so long gets an error.",
    )
    answer_keep_seconds: int = Field(
        default=3600, ge=1, description="How long an answer can be read again by its id."
    )

    worker_concurrency: int = Field(
        default=3, ge=1, le=1000, description="Calls that one session worker runs at once."
    )
    worker_heartbeat_seconds: float = Field(
        default=2.0,
        gt=0,
        description="How often a worker reports its slots and looks after its children.",
    )
    worker_lost_seconds: int = Field(
        default=15, ge=3, description="A worker that is silent for so long counts as dead."
    )
    drain_limit_seconds: float = Field(
        default=100.0,
        ge=0,
        le=3600,
        description="How long a worker that is told to stop waits for others to take its calls; "
        "those that are left then are cut, and go on when a worker is free.",
    )
    handover_patience_seconds: float = Field(
        default=5.0,
        ge=0,
        description="How long an agent that is to be replaced waits for a moment in which nobody "
        "speaks; after that the next pause between two of its own sentences will do.",
    )
    lease_seconds: float = Field(
        default=10.0, gt=0, description="How long an agent owns its session without renewing."
    )
    lease_renew_seconds: float = Field(default=3.0, gt=0, description="How often an agent renews.")

    session_ttl_seconds: int = Field(
        default=14_400,
        ge=14_400,
        description="The TTL of every key of a session, refreshed as it lives.",
    )
    event_linger_seconds: int = Field(
        default=300,
        ge=1,
        description="How long the event log of an ended session can still be read.",
    )
    event_log_length: int = Field(
        default=10_000, ge=100, description="Events kept for one session."
    )
    queue_timeout_seconds: float = Field(
        default=60,
        gt=0,
        le=MAX_QUEUE_SECONDS,
        description="How long a session waits for a free agent, unless it says otherwise.",
    )
    start_timeout_seconds: float = Field(
        default=20, gt=0, description="How long a claimed agent may take to be ready."
    )
    whip_timeout_seconds: float = Field(
        default=30,
        gt=0,
        le=600,
        description="How long a `POST /whip` waits for its agent before the session ends.",
    )
    livekit_retry_seconds: float = Field(
        default=10, gt=0, description="How long an agent keeps trying to join its room."
    )
    join_timeout_seconds: float = Field(
        default=60, gt=0, description="How long a ready agent waits for its caller."
    )
    rejoin_grace_seconds: float = Field(
        default=20,
        ge=0,
        description="How long an agent waits for a caller who has left to come back.",
    )
    idle_timeout_seconds: float = Field(
        default=300,
        gt=0,
        description="A session in which nobody speaks or writes for so long ends.",
    )
    max_duration_seconds: int = Field(
        default=3600,
        ge=10,
        le=MAX_DURATION_SECONDS,
        description="The longest a session lasts unless it says otherwise.",
    )
    ending_grace_seconds: float = Field(
        default=10, gt=0, description="How long an agent may take to leave before it is removed."
    )
    renudge_seconds: float = Field(
        default=3,
        gt=0,
        description="A session that still waits beside a free slot is sent again after this.",
    )
    agent_absence_seconds: float = Field(
        default=10,
        gt=0,
        le=20,
        description="How long an agent may be out of its room before another one is sent.",
    )
    recoveries_max: int = Field(default=3, ge=0, description="Takeovers allowed within the window.")
    recovery_window_seconds: float = Field(default=120, gt=0, description="That window.")

    limit_live_sessions: int = Field(
        default=0, ge=0, description="Live sessions in the whole house; 0 sets no limit."
    )
    limit_live_per_key: int = Field(
        default=0,
        ge=0,
        description="Live sessions of one API key that sets no limit of its own; 0: none.",
    )
    limit_live_per_user: int = Field(
        default=0, ge=0, description="Live sessions of one user; 0: none."
    )
    limit_starts_per_minute: int = Field(
        default=0, ge=0, description="Starts a minute of one API key that sets no limit; 0: none."
    )
    limit_requests_per_minute: int = Field(
        default=12_000,
        ge=0,
        description="Requests a minute of one API key at one web process; 0: none. Development "
        "counts none.",
    )
    limit_session_requests_per_minute: int = Field(
        default=600, ge=0, description="The same for the holder of one session's token."
    )
    limit_queue_length: int = Field(
        default=1000, ge=0, description="Sessions that may wait for an agent at once; 0: any."
    )
    priority_max: int = Field(
        default=MAX_PRIORITY,
        ge=0,
        le=MAX_PRIORITY,
        description="The greatest `priority` that the sessions of a key may ask for which sets no "
        "limit of its own.",
    )
    limit_questions_per_minute: int = Field(
        default=60, ge=0, description="Questions a minute of one session; 0: none."
    )
    archive_retention_days: int = Field(
        default=90,
        ge=0,
        description="Ended sessions older than this are removed by the sweep; 0: none ever is.",
    )

    webhook_private_addresses: bool = Field(
        default=False,
        description="Whether webhooks may go to private addresses, and in production without TLS.",
    )
    webhook_timeout_seconds: float = Field(
        default=10.0,
        gt=0,
        le=30,
        description="How long one attempt to deliver a webhook may take in all.",
    )
    webhook_first_retry_seconds: float = Field(
        default=5.0,
        gt=0,
        description="A webhook that was not taken is sent again after so long; then each time "
        "after four times as long, at most four hours.",
    )
    webhook_retry_hours: float = Field(
        default=24.0, gt=0, description="A webhook that nobody has taken after so long has failed."
    )
    webhook_threads: int = Field(
        default=8, ge=2, le=64, description="Webhooks that one upkeep worker sends at once."
    )
    webhook_retention_days: int = Field(
        default=30, ge=2, description="Deliveries older than this are removed by the sweep."
    )

    flower_address: str = Field(default="127.0.0.1", description="The address Flower binds.")
    flower_port: int = Field(default=5555, ge=1, le=65535, description="The port Flower binds.")
    flower_user: str = Field(
        default="switchboard", description="The user name that Flower asks for."
    )
    flower_password: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_PASSWORD), description="The password that Flower asks for."
    )

    @model_validator(mode="after")
    def _find_our_own_servers(self) -> Settings:
        """Let what `make run` starts be found at its port."""
        self.redis_url = self.redis_url or f"redis://127.0.0.1:{self.redis_port}/0"
        self.livekit_url = self.livekit_url or f"ws://127.0.0.1:{self.livekit_port}"
        self.inference_url = self.inference_url or f"http://127.0.0.1:{self.inference_port}/v1"
        return self

    @model_validator(mode="after")
    def _check_rhythms(self) -> Settings:
        """Refuse rhythms that would make every agent or worker look dead."""
        if self.lease_renew_seconds * 2 > self.lease_seconds:
            raise ValueError("lease_renew_seconds must be at most half of lease_seconds")
        if self.worker_heartbeat_seconds * 2 > self.worker_lost_seconds:
            raise ValueError("worker_heartbeat_seconds must be at most half of worker_lost_seconds")
        return self

    @model_validator(mode="after")
    def _check_kafka_user(self) -> Settings:
        """Refuse a protocol that asks for a user where none is named."""
        named = self.kafka_user and self.kafka_password.get_secret_value()
        if self.kafka_security_protocol.has_user and not named:
            raise ValueError(
                f"kafka_security_protocol is {self.kafka_security_protocol}, "
                "which needs kafka_user and kafka_password"
            )
        return self

    @property
    def caller_livekit_url(self) -> str:
        """Return the LiveKit address to hand to callers."""
        return self.livekit_public_url or self.livekit_url

    @property
    def binds_loopback(self) -> bool:
        """Tell whether the web front can be reached from this machine only."""
        return is_loopback(self.host)


def explain(error: ValidationError) -> str:
    """Return a line for each setting that is wrong."""
    # Without the inputs: one of them may be a secret.
    wrong = error.errors(include_input=False, include_url=False, include_context=False)
    return "\n".join(
        f"SWITCHBOARD_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}." for one in wrong
    )


def is_loopback(host: str) -> bool:
    """Tell whether ``host``, a name or an address, is this machine and nothing else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name() -> str:
    """Return the name under which this machine signs leases and worker records."""
    return socket.gethostname()


@cache
def get_settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
