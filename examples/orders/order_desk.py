"""The order desk of a shop: an agent with one tool, which asks the shop's HTTP API."""

from __future__ import annotations

import os
from collections.abc import Sequence

import httpx
from livekit.agents import Agent, ToolError, function_tool

from agents.assistant import chat_context
from sessions.history import Turn
from sessions.models import SessionConfig

API_URL = os.environ.get("ORDERS_API_URL", "http://127.0.0.1:8200")
TIMEOUT_SECONDS = 3.0

INSTRUCTIONS = """
You are at the order desk of a shop and talk with {user_name} on the telephone: answer in one or two
short sentences, without lists or symbols. You know nothing of any order but what `order_status`
tells you. Ask for the order number if it is not given. If the orders cannot be reached, say so.
"""


class OrderDesk(Agent):
    """Answers what has become of an order."""

    @function_tool
    async def order_status(self, order_number: str) -> str:
        """Look up what has become of an order.

        Args:
            order_number: The number of the order, digits only.
        """
        number = "".join(filter(str.isdigit, order_number))
        if not number:
            raise ToolError("I need the order number for that.")
        try:
            async with httpx.AsyncClient(base_url=API_URL, timeout=TIMEOUT_SECONDS) as api:
                answer = await api.get(f"/orders/{number}")
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return f"There is no order {number}."
                order = answer.raise_for_status().json()
                return f"Order {number}, {order['what']}, {order['state']}."
        except (httpx.HTTPError, ValueError, KeyError):
            raise ToolError(
                "I am sorry, I cannot reach the orders right now. Please try again in a moment."
            ) from None


def make_agent(config: SessionConfig, history: Sequence[Turn]) -> Agent:
    """Return the agent of one call; Switchboard calls this when a session names it."""
    return OrderDesk(
        instructions=INSTRUCTIONS.format(user_name=config.user_name),
        chat_ctx=chat_context(history),
    )
