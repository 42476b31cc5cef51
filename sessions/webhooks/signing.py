"""How does an endpoint know that a message is ours? By a signature, as Standard Webhooks has it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """Return a secret for an endpoint."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed(message_id: str, body: str, at_ms: int, with_secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers that go with ``body``; while a secret is changed there are two."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    signatures = [Webhook(secret).sign(message_id, at, body) for secret in with_secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_ms // 1000),
        "webhook-signature": " ".join(signatures),
    }
