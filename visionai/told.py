"""How the site stands, as the assistant may tell it."""

from collections.abc import Mapping
from typing import Any

from accounts.models import User
from assistant.hooks import SPAN, UserTool
from fpga_export import told as made
from trading import told as traded
from visionai import status


def site(_user: User, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `/status` says to everybody; no details, also for staff."""
    found = status.report(status.checks, details=False)
    parts = {name: one["status"] for name, one in found["checks"].items()}
    links = [{"title": "status", "url": "/status"}]
    return {"status": found["status"], "parts": parts, "links": links}


user_tools = [
    UserTool(
        "my_jobs",
        "The user's runs with networks for hardware (exports to VHDL, layer by layer, faults): "
        "how many, how far they are, what the latest ones gave; of all time, of a period, or from "
        "one day to another (UTC).",
        made.exports,
        SPAN,
    ),
    UserTool(
        "my_trading",
        "The user's trading sessions: balance, profit, won and lost orders, whether a bot runs, "
        "the latest orders, and what was settled in a period or from one day to another (UTC). "
        "Money is text. PRACTICE is play money, REAL is real.",
        traded.sessions,
        SPAN,
    ),
    UserTool("site_status", "Whether each part of this server works now.", site),
]
