"""The page of a fault that developers see shows no value of anything."""

import sys

import pytest
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from visionai.lib.reports import BareReporter


def canary(number: int) -> str:
    """Put together, or the report would show it as a line of code."""
    return "".join(["can", "ary", str(number)])


def a_report(kind: type[ExceptionReporter]) -> str:
    request = RequestFactory().post(f"/x/?query={canary(1)}", {"password": canary(2)})
    request.COOKIES["name"] = canary(3)
    secret = canary(4)
    try:
        raise ValueError(f"password={secret[:-1]}5")
    except ValueError:
        made = kind(request, *sys.exc_info())
    return made.get_traceback_html() + made.get_traceback_text()


def test_djangos_own_report_shows_all_of_it() -> None:
    assert all(canary(number) in a_report(ExceptionReporter) for number in range(1, 6))


@pytest.mark.parametrize("number", range(1, 6))
def test_ours_shows_where_it_happened_and_no_value(number: int) -> None:
    report = a_report(BareReporter)
    assert canary(number) not in report
    assert "in a_report" in report
    assert "ValueError" in report
