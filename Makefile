# make run    VisionAI on http://127.0.0.1:8000 (PORT=, HOST=, HTTPS=1 and every line of .env.example)
# make test   the whole suite        make lint   ruff and mypy
# make bench  figures against goals
# make bench-hdl  networks taken to hardware: cycles, use of the multipliers, times, against goals
#                 (DATA=DIR, where asl.npz is: also how well 8, 10 and 16 bits answer photographs)
# make bench-trading  1,000 trading sessions on one core, against goals (SESSIONS=)
# make assay-trading  120 rounds of nodes that die, sleep, stop and lose their broker (ROUNDS=, SEED=)
# make assay-chat     50 answers each cut by a lost line, a reload, a killed server (ROUNDS=, SEED=)
# make fuzz-hdl  500 random networks in GHDL in both presets, 100 as netlists too, each with faults
# make train-known  trading agents on walks and on injected signals, with more seeds than the tests
# make rounds ROUNDS=100   orders through connections that break, each fate held against the ledger
# make broker-contract   read-only checks of a live PRACTICE account (docs/brokers.md)
# make evaluate DATA=DIR   measure the shipped networks on the packs in DIR and rewrite their figures
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := run
.PHONY: run test lint bench bench-hdl bench-trading assay-trading assay-chat fuzz-hdl train-known rounds
.PHONY: broker-contract evaluate clean

PYTHON ?= python3
BIN := .venv/bin

run: .venv/runtime
	@exec $(BIN)/python manage.py up

test: .venv/development
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered --cov-fail-under=90 $(ARGS)
	$(BIN)/coverage report --include="accounts/*,sessions_app/*" --fail-under=98 | tail -1

lint: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .

bench: .venv/runtime
	$(BIN)/python -m bench

bench-hdl: .venv/runtime
	$(BIN)/python -m bench.hdl $(ARGS)
	$(if $(DATA),$(BIN)/python -m bench.precision "$(DATA)")

fuzz-hdl: .venv/development
	$(BIN)/python -m fpga_export.tests.fuzz_long $(or $(NETWORKS),500) $(or $(SEED),10000)

train-known: .venv/development
	$(BIN)/python -m trading.tests.train_known $(or $(SEEDS),10) $(or $(ROWS),20000)

rounds: .venv/development
	ROUNDS=$(or $(ROUNDS),100) SEED=$(or $(SEED),1) $(BIN)/python -m pytest -n0 -q trading/tests/test_lost_orders.py

broker-contract: .venv/runtime
	@$(BIN)/python manage.py broker_contract $(ARGS)

bench-trading: .venv/development
	$(BIN)/python -m bench.trading $(or $(SESSIONS),1000)

assay-trading: .venv/development
	$(BIN)/python -m trading.tests.assay $(or $(ROUNDS),120) $(or $(SEED),1)

assay-chat: .venv/development
	ROUNDS=$(or $(ROUNDS),50) SEED=$(or $(SEED),1) $(BIN)/python -m pytest -n0 -q assistant/tests/test_resuming.py

evaluate: .venv/runtime
	@test -n "$(DATA)" || { echo "say where the packs are: make evaluate DATA=DIR" >&2; exit 2; }
	$(BIN)/python -m predictions.training.figures --data "$(DATA)"

# Stamps that hold the digest of what was installed: a second run has nothing to do.
.venv/runtime .venv/development: .venv/%: FORCE
	@$(PYTHON) scripts/install.py $*

FORCE:

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
