"""The least a start over HTTP can be: a Flask route, one Redis pipeline and one ``apply_async``."""

from __future__ import annotations

import os
import secrets

from celery import Celery
from flask import Flask, request
from redis import Redis

_TTL_MS = 14_400_000


def create_app() -> Flask:
    """Return the app; its Redis is ``BENCH_REDIS_URL``."""
    url = os.environ["BENCH_REDIS_URL"]
    app, redis = Flask("floor"), Redis.from_url(url, decode_responses=True)
    celery = Celery("floor", broker=url)
    celery.conf.task_ignore_result = True

    @celery.task(name="floor")
    def run(session_id: str, generation: int) -> None:
        """Stand for the session."""

    @app.post("/start")
    def start() -> tuple[dict[str, str], int]:
        session_id = secrets.token_hex(12)
        user = request.get_json()["userName"]
        with redis.pipeline() as pipeline:
            for key in (f"session:{session_id}", f"session:{session_id}:config"):
                pipeline.hset(key, mapping={"id": session_id, "userName": user, "state": "queued"})
                pipeline.pexpire(key, _TTL_MS)
            pipeline.execute()
        run.apply_async(args=(session_id, 1), queue="sessions")
        return {"sessionId": session_id}, 201

    return app
