import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook
from rest_framework.test import APIClient

from accounts.acts import BOT_TIME, TRADE
from accounts.invoices import close_months
from accounts.models import Invoice, Plan, PlanPrice, User
from accounts.tests.factories import an_administrator
from accounts.usage import month_of, record
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tokens import issue_tokens

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LAST_MONTH = month_of(NOW)[0] - timedelta(days=3)


@pytest.fixture
def ana() -> User:
    """Somebody with a name that a spreadsheet would run, and a month behind her."""
    Plan.objects.all().delete()
    plan = Plan.objects.create(name="lab")
    PlanPrice.objects.create(plan=plan, act=TRADE.name, unit_price=Decimal("0.25"))
    ana = a_user("ana", name="=HYPERLINK(1)")
    record(ana, act=TRADE, key="1", at=LAST_MONTH)
    record(ana, act=TRADE, key="2", at=LAST_MONTH)
    close_months(at=month_of(NOW)[0] + timedelta(hours=2))
    record(ana, act=TRADE, key="3", at=NOW)
    record(ana, act=BOT_TIME, key="4", amount=5400, at=NOW)
    return ana


def as_api(user: User) -> APIClient:
    client = APIClient()
    token = issue_tokens(a_session(user, kind=Sesion.Kind.API, at=NOW), at=timezone.now()).access
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def in_browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    client.post("/idioma/", {"language": "en", "next": "/"})
    return client


def number() -> str:
    return Invoice.objects.get().number


def test_i_see_what_i_used_by_act_and_day(ana: User) -> None:
    answer = as_api(ana).get("/api/v1/usage").json()
    today = NOW.date().isoformat()
    assert [(one["day"], one["act"], one["quantity"]) for one in answer["days"]] == [
        (today, "bot_time", "1.5"),
        (today, "trade", "1"),
    ]
    assert (answer["month"], answer["plan"]) == (f"{NOW:%Y-%m}", "lab")
    trades = next(one for one in answer["limits"] if one["name"] == "trades_a_day")
    assert trades == {"name": "trades_a_day", "most": None, "used_today": 1}
    before = as_api(ana).get("/api/v1/usage", {"month": f"{LAST_MONTH:%Y-%m}"}).json()
    assert [(one["act"], one["quantity"]) for one in before["days"]] == [("trade", "2")]
    file = as_api(ana).get("/api/v1/usage?format=csv")
    assert file["Content-Disposition"] == f'attachment; filename="usage-{NOW:%Y-%m}.csv"'
    assert len(file.content.decode("utf-8-sig").splitlines()) == 3


@pytest.mark.parametrize("month", ["2026", "2026-13", "'", "0000-01"])
def test_what_is_no_month_is_refused(ana: User, month: str) -> None:
    answer = as_api(ana).get("/api/v1/usage", {"month": month})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_month")


def test_the_running_month_is_a_preview_and_a_closed_one_an_invoice(ana: User) -> None:
    now = as_api(ana).get("/api/v1/invoices/current").json()
    assert (now["number"], now["net"], now["total"]) == (None, "0.25", "0.25")
    assert [(line["act"], line["quantity"], line["total"]) for line in now["lines"]] == [
        ("trade", "1", "0.25"),
        ("bot_time", "1.5", "0.00"),
    ]
    (row,) = as_api(ana).get("/api/v1/invoices").json()["invoices"]
    assert (row["month"], row["total"], row["number"]) == (f"{LAST_MONTH:%Y-%m}", "0.50", number())
    one = as_api(ana).get(f"/api/v1/invoices/{number()}").json()
    assert (one["lines"][0]["quantity"], one["total"]) == ("2", "0.50")


def test_nobody_sees_anothers_and_staff_see_all(ana: User) -> None:
    path, page = f"/api/v1/invoices/{number()}", f"/cuenta/facturas/{number()}/"
    stranger, staff = a_user("bea"), an_administrator()
    assert as_api(stranger).get(path).status_code == 404
    assert in_browser(stranger).get(page).status_code == 404
    assert as_api(stranger).get("/api/v1/invoices?all=1").json() == {"invoices": []}
    assert as_api(stranger).get("/api/v1/usage").json()["days"] == []
    assert as_api(staff).get(path).status_code == 200
    assert as_api(staff).get("/api/v1/invoices").json() == {"invoices": []}
    assert len(as_api(staff).get("/api/v1/invoices?all=1").json()["invoices"]) == 1
    assert as_api(ana).get("/api/v1/invoices/2026-99999").status_code == 404
    for closed in ("/api/v1/usage", "/api/v1/invoices", "/api/v1/invoices/current", path):
        assert APIClient().get(closed).status_code == 401
    for closed in ("/cuenta/uso/", "/cuenta/facturas/", page):
        assert Client().get(closed)["Location"].startswith("/cuenta/entrar/")


def test_in_a_file_a_persons_words_stay_words(ana: User) -> None:
    path = f"/api/v1/invoices/{number()}"
    text = as_api(ana).get(f"{path}?format=csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["recipient"] for row in rows} == {"'=HYPERLINK(1)"}
    assert [(row["act"], row["total"]) for row in rows] == [
        ("trade", "0.50"),
        ("net", "0.50"),
        ("tax", "0.00"),
        ("total", "0.50"),
    ]
    sheet = load_workbook(io.BytesIO(as_api(ana).get(f"{path}?format=xlsx").content)).active
    assert sheet is not None
    cell = sheet.cell(2, 3)
    assert (cell.value, cell.data_type) == ("=HYPERLINK(1)", "s")
    assert sheet.cell(2, 9).value == 0.5


def test_the_pages_say_it_in_words(ana: User) -> None:
    browser = in_browser(ana)
    used = browser.get("/cuenta/uso/?act=bot_time").content.decode()
    assert "Bot at work" in used
    assert f'data-day="{NOW.date().isoformat()}" data-value="1.5"' in used
    assert "Nothing was used in this month" not in used
    listed = browser.get("/cuenta/facturas/").content.decode()
    assert f'href="/cuenta/facturas/{number()}/"' in listed
    assert "A preview" in listed
    one = browser.get(f"/cuenta/facturas/{number()}/").content.decode()
    assert "=HYPERLINK(1)" in one
    assert "0.50 EUR" in one


def test_a_months_sum_is_what_its_invoice_counts(ana: User) -> None:
    """Three days of 20 minutes: 0.3333 each, and an hour together."""
    other = a_user("bea")
    for number in range(3):
        at = month_of(NOW)[0] + timedelta(hours=number)
        record(other, act=BOT_TIME, key=f"bea:{number}", amount=1200, at=at)
    page = in_browser(other).get("/cuenta/uso/").content.decode()
    assert '<p class="stat">1</p>' in page
    (line,) = as_api(other).get("/api/v1/invoices/current").json()["lines"]
    assert line["quantity"] == "1"


def test_a_new_account_is_told_what_to_do_first() -> None:
    browser = in_browser(a_user("new"))
    assert "Nothing was used in this month" in browser.get("/cuenta/uso/").content.decode()
    assert "No month of yours" in browser.get("/cuenta/facturas/").content.decode()
    assert browser.get("/cuenta/uso/?month=x&act=y").status_code == 200
