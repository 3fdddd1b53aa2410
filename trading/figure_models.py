"""What is counted as it happens, because no other row tells it afterwards."""

from django.db import models

from trading.models import TradingSession


class RefusalCount(models.Model):
    """How often the gate held orders of a session back, by who asked and why."""

    session = models.ForeignKey(TradingSession, on_delete=models.CASCADE, related_name="refusals")
    source = models.CharField(max_length=10)
    code = models.CharField(max_length=40)
    count = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "source", "code"], name="one_count_a_refusal"
            )
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.code}: {self.count}"


class NodeReport(models.Model):
    """What a node on its own has counted, for whoever is asked for figures."""

    name = models.CharField(max_length=80, unique=True)
    at = models.DateTimeField(db_index=True)
    gate = models.JSONField(default=list)  # [[labels…], [counts by bucket…], seconds in all]

    def __str__(self) -> str:
        return self.name
