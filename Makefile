# make lab         set up, then open the course's contents page in JupyterLab
# make test        set up, then check everything: linters, types, tests, notebooks
# make setup       the virtual environment in .venv (Python 3.11 or newer, no root)
# make notebooks   execute the notebooks again and keep their outputs
# make site        the course as web pages without a kernel, in build/site
# make figures     draw figures/*.svg again
# make fidelity    FIDELITY.md: what is as in Kafka, what is simpler, which tests show it
# make size        code lines per folder, without comments and docstrings
# make bench       this broker beside Apache Kafka on this machine
# make sim         one simulated scenario: make sim SCENARIO=name SEED=7
#
# ARGS="…" is handed to the command behind the target: make lab ARGS=--no-browser,
# make test ARGS="-k interop".

SHELL := bash
VENV := .venv
BIN := $(VENV)/bin
SEED ?= 7

.PHONY: setup lab test notebooks site figures fidelity size bench sim apache-kafka

# Compiled here, because where bytecode may not be written every start would pay for it.
setup: $(VENV)/.ready
	@$(BIN)/python -m compileall -q minikafka

$(VENV)/.ready: pyproject.toml tools/setup.sh
	@tools/setup.sh $(VENV)

lab: setup
	@$(BIN)/minikafka lab $(ARGS)

# Linter and type checker are tests too (tests/test_project.py), so one summary says it all.
# Cells of one notebook share a kernel, so a file must stay with one worker.
test: setup
	$(BIN)/pytest --nbval -n 2 --dist loadfile $(ARGS)

notebooks: setup
	$(BIN)/python tools/notebooks.py $(ARGS)

site: setup
	$(BIN)/python tools/website.py $(ARGS)

figures: setup
	$(BIN)/python -m minikafka.viz.figures $(ARGS)

fidelity: setup
	$(BIN)/python tools/fidelity.py

size: setup
	@$(BIN)/python tools/size.py $(ARGS)

bench: setup
	$(BIN)/minikafka bench broker $(ARGS)

sim: setup
	$(BIN)/minikafka sim $(if $(SCENARIO),$(SCENARIO) --seed $(SEED),--list) $(ARGS)

# Apache Kafka's published jars, into a cache, for the tests and the benchmark.
apache-kafka: setup
	$(BIN)/python -m minikafka.bench.servers
