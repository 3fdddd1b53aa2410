"""Ten rounds of nodes that die, sleep and lose their broker; `make assay-trading` makes more."""

import json
import os
import subprocess
import sys

import pytest

from tests.services.databases import DatabaseServer
from tests.services.server import ROOT

ROUNDS = 10
SEED = 20261121


@pytest.mark.database
@pytest.mark.server
def test_whatever_breaks_no_order_is_doubled_and_no_settlement_lost(
    postgresql: DatabaseServer,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trading.tests.failover", str(ROUNDS), str(SEED)],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": postgresql.create("failover")},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-8000:]
    tally = json.loads(done.stdout.splitlines()[-1])
    assert tally["rounds"] == ROUNDS
    assert tally["orders"] == ROUNDS * 4
    assert tally["settled"] + tally["not_placed"] + tally["rejected"] == tally["orders"]
