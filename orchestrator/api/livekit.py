"""What livekit-server reports: who has come into a room, who has left it.

Reports get lost, doubled and reordered. So none is believed but one thing, which stays true: that
the caller has been there. Each has its session looked at.
"""

from __future__ import annotations

import time

import structlog
from flask import Blueprint, Response, request
from pydantic import AliasChoices, BaseModel, Field

from orchestrator.access.signatures import check_signature
from orchestrator.http.answers import ReportAnswer
from orchestrator.http.bodies import parse_content, read_content
from orchestrator.http.operations import Operation, documented
from orchestrator.http.replies import remember, reply
from orchestrator.services import Services, services
from sessions.ids import is_session_id
from sessions.looks import REMEMBERED_SECONDS, Looks
from sessions.rooms import CALLER_IDENTITY
from workers.app import request_looks

blueprint = Blueprint("livekit", __name__, url_prefix="/livekit")

log = structlog.get_logger(__name__)


class ReportedRoom(BaseModel):
    """The room that a report is about."""

    name: str = Field(default="", max_length=512)


class ReportedParticipant(BaseModel):
    """Somebody in that room."""

    identity: str = Field(default="", max_length=512)


class LiveKitReport(BaseModel):
    """A webhook of livekit-server; of what it says we read only whom it is about."""

    id: str = Field(min_length=1, max_length=128)
    event: str = Field(min_length=1, max_length=128)
    created_at: int = Field(
        default=0, validation_alias=AliasChoices("createdAt", "created_at"), description="Unix s."
    )
    room: ReportedRoom = ReportedRoom()
    participant: ReportedParticipant = ReportedParticipant()

    def is_of_arrival(self) -> bool:
        """Tell whether the caller has come."""
        joined = self.event == "participant_joined"
        return joined and self.participant.identity == CALLER_IDENTITY

    def is_worth_a_look(self) -> bool:
        """Tell whether the report may mean that an agent is missing, or one too many."""
        match self.event:
            case "participant_left" | "participant_connection_aborted":
                # A caller who goes is the agent's own business.
                return self.participant.identity != CALLER_IDENTITY
            case "participant_joined" | "room_finished":
                return True
            case _:
                return False

    def is_old(self) -> bool:
        """Tell whether the report was made before those that are remembered."""
        return self.created_at < time.time() - REMEMBERED_SECONDS


@blueprint.post("/webhook")
@documented(
    Operation(
        "Hear what livekit-server reports",
        "house",
        {200: ReportAnswer},
        problems=(401, 500, 503),
        body=LiveKitReport,
        public=True,
    )
)
def webhook() -> Response:
    """Have the session looked at that a signed report of livekit-server is about."""
    house = services()
    content = read_content(request)
    check_signature(request.headers.get("Authorization", ""), content, house.settings)
    report = parse_content(content, LiveKitReport)
    return reply(ReportAnswer(heard=_have_looked_at(house, report)))


def _have_looked_at(house: Services, report: LiveKitReport) -> bool:
    session_id = report.room.name
    if not is_session_id(session_id) or not report.is_worth_a_look():
        return False
    remember(session_id)
    if report.is_of_arrival():
        house.store.appear(session_id)
    looks = Looks(house.redis)
    if report.is_old() or looks.is_replay(report.id):
        log.info("report_not_heard", report=report.id, what=report.event)
        return False
    looks.want(session_id, house.store.now())
    if looks.is_first() and not request_looks():
        looks.done()
    return True
