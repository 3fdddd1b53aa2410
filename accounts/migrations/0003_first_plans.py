"""Three plans to begin with, generous on a machine of one's own and without prices."""

from django.db import migrations

GIB = 2**30
DAILY = "trades_a_day", "exports_a_day", "backtests_a_day", "trainings_a_day", "assistant_calls_a_day"
PLANS = {
    "free": {"trading_sessions": 5, "storage": GIB // 2, **dict(zip(DAILY, (2_000, 500, 200, 20, 1_000)))},
    "lab": {"trading_sessions": 25, "storage": 5 * GIB, **dict(zip(DAILY, (20_000, 2_000, 1_000, 100, 10_000)))},
    "team": {"trading_sessions": 100, "storage": 50 * GIB, **dict(zip(DAILY, (200_000, 10_000, 5_000, 500, 100_000)))},
}


def seed(apps, schema_editor):
    plans, limits = apps.get_model("accounts", "Plan"), apps.get_model("accounts", "PlanLimit")
    for place, (name, mosts) in enumerate(PLANS.items()):
        plan, made = plans.objects.get_or_create(name=name, defaults={"place": place})
        if made:
            for limit, most in mosts.items():
                limits.objects.create(plan=plan, name=limit, most=most)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_usage_plans_and_invoices")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
