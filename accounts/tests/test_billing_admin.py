from decimal import Decimal

import pytest
from django.test import Client as Browser

from accounts.acts import BOT_TIME, TRADE
from accounts.invoices import close_months
from accounts.models import Invoice, Plan, PlanLimit, User
from accounts.plans import limit_of, plan_of
from accounts.tests.factories import NOON, a_user, an_administrator
from accounts.tests.test_invoices import JUNE
from accounts.usage import record

pytestmark = pytest.mark.django_db
USAGE, INVOICES, PLANS = (f"/admin/accounts/{name}/" for name in ("usagerow", "invoice", "plan"))


@pytest.fixture
def staff() -> Browser:
    browser = Browser(headers={"Accept-Language": "en"})
    browser.force_login(an_administrator())
    browser.post("/idioma/", {"language": "en", "next": "/"})
    return browser


def management(prefix: str, *rows: dict[str, object]) -> dict[str, object]:
    """The fields of an inline form."""
    found: dict[str, object] = {
        f"{prefix}-TOTAL_FORMS": len(rows),
        f"{prefix}-INITIAL_FORMS": 0,
    }
    for number, row in enumerate(rows):
        found |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return found


def test_only_staff_sees_the_board() -> None:
    browser = Browser()
    browser.force_login(a_user())
    for path in (USAGE, INVOICES, PLANS):
        assert browser.get(path).status_code == 302


def test_the_board_sums_what_is_listed_by_act_and_user(staff: Browser) -> None:
    ada, eve = a_user("ada"), a_user("eve")
    for number in range(3):
        record(ada, act=TRADE, key=f"{number}", at=NOON)
    record(eve, act=TRADE, key="eve", at=NOON)
    record(eve, act=BOT_TIME, key="eve", amount=5400, at=NOON)
    text = staff.get(USAGE).content.decode()
    assert "<td>4</td><td>ada 3, eve 1</td>" in text
    assert "<td>1.5 hours</td><td>eve 1.5 hours</td>" in text
    text = staff.get(USAGE, {"q": "eve", "act": "trade"}).content.decode()
    assert "<td>1</td><td>eve 1</td>" in text
    assert "ada 3" not in text
    assert staff.get(f"{USAGE}add/").status_code == 403


def test_an_invoice_is_looked_at_and_not_changed(staff: Browser) -> None:
    record(a_user("ada"), act=TRADE, key="1", at=NOON)
    close_months(at=JUNE)
    invoice = Invoice.objects.get()
    assert "2026-00001" in staff.get(INVOICES).content.decode()
    page = f"{INVOICES}{invoice.pk}/change/"
    assert "trade" in staff.get(page).content.decode()
    assert staff.post(page, {"total": "0"}).status_code == 403
    assert staff.post(f"{INVOICES}{invoice.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_makes_a_plan_and_puts_an_account_on_it(staff: Browser) -> None:
    asked = {"name": "lab-2", "place": 9, "monthly_price": "12.50"}
    asked |= management("limits", {"name": "trades_a_day", "most": 7})
    asked |= management("prices", {"act": "trade", "unit_price": "0.01"})
    assert staff.post(f"{PLANS}add/", asked).status_code == 302
    plan = Plan.objects.get(name="lab-2")
    assert (plan.monthly_price, plan.prices.get().unit_price) == (Decimal("12.5"), Decimal("0.01"))
    assert PlanLimit.objects.get(plan=plan).most == 7
    ada = a_user("ada")
    asked = {"username": "ada", "role": User.Role.USER}
    asked |= management("user_plan", {"plan": plan.pk})
    asked |= management("own_limits", {"name": "storage", "most": ""})
    assert staff.post(f"/admin/accounts/user/{ada.pk}/change/", asked).status_code == 302
    assert plan_of(ada) == plan
    assert limit_of(ada, "trades_a_day") == 7
    assert limit_of(ada, "storage") is None
