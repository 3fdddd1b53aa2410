"""`python -m trading.tests.assay ROUNDS SEED`: fail-over rounds on their own PostgreSQL."""

import os
import subprocess
import sys

from tests.services.databases import postgresql


def main(arguments: list[str]) -> int:
    with postgresql() as server:
        environment = os.environ | {"DATABASE_URL": server.create("failover")}
        command = [sys.executable, "-m", "trading.tests.failover", *arguments]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
