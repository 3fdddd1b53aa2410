"""However many nodes log in at once, the gate keeps its pace, in the database's cache too."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from trading.brokers.base import BrokerRateLimited
from trading.brokers.quadcode.gate import BURST, CacheGate

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 6
PACE = 0.1  # seconds
LASTING = 2.0


def test_a_crowd_gets_in_no_faster_than_the_pace() -> None:
    barrier = Barrier(CROWD, timeout=30)
    gate = CacheGate("exnova", "crowd", pace=PACE, wait=0.0)

    async def press() -> list[float]:
        entered, until = [], time.monotonic() + LASTING
        while time.monotonic() < until:
            try:
                await gate.enter()
            except BrokerRateLimited:
                await asyncio.sleep(0.002)
            else:
                entered.append(time.time())
        return entered

    def one_of_them() -> list[float]:
        barrier.wait()
        try:
            return asyncio.run(press())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=CROWD) as crowd:
        works = [crowd.submit(one_of_them) for _ in range(CROWD)]
        entered = sorted(moment for work in works for moment in work.result())
    lasted = entered[-1] - entered[0]
    assert len(entered) > BURST  # it lets in at all
    assert len(entered) <= BURST + lasted / PACE + 1
