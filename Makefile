# Every command of the project. `make` alone lists them.
SHELL := /bin/sh
PYTHON := .venv/bin/python
LAB := cd vagrant && PYTHONUNBUFFERED=1 ../$(PYTHON) -m lab

.DEFAULT_GOAL := help
.PHONY: help lab lab-cluster lab-machines lab-down test bench check lint format generate lock clean bootstrap

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

lab: ## a whole cluster on this machine: one master, two workers, the sample shown working (root)
	@vagrant/preflight
	@.ci/bootstrap
	@$(LAB) up

lab-cluster: ## the same without the sample
	@vagrant/preflight
	@.ci/bootstrap
	@$(LAB) up --no-sample

lab-machines: ## only the machines, with containerd and the registry; no cluster
	@vagrant/preflight
	@.ci/bootstrap
	@$(LAB) up --machines-only

lab-down: ## remove every trace of the lab
	@[ ! -d .lab ] || [ -x $(PYTHON) ] || .ci/bootstrap
	@[ ! -x $(PYTHON) ] || { $(LAB) down; }

test: bootstrap ## install what the tests need, and pass them all
	@$(PYTHON) -m pytest tests -m "not lab"

bench: bootstrap ## measure, beside upstream's figures (BENCH=api measures only that; pods, network, rules need the lab)
	@$(PYTHON) -m tests.bench $(BENCH)

check: lint ## the quick half: format, lint, types, imports, unit tests
	$(PYTHON) -m pytest tests/unit -q

lint: bootstrap ## format, lint, types and imports only
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	cd vagrant && ../.venv/bin/mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache/lab lab
	.venv/bin/lint-imports

format: bootstrap ## rewrite the Python files in the project's format
	.venv/bin/ruff check --fix-only --quiet .
	.venv/bin/ruff format .

lock: bootstrap ## choose the newest versions of all dependencies, and write them down with their hashes
	.venv/bin/uv pip compile pyproject.toml --upgrade --generate-hashes --no-emit-index-url --no-header -o requirements.txt -q
	.venv/bin/uv pip compile pyproject.toml --upgrade --group dev --generate-hashes --no-emit-index-url --no-header \
		-o requirements-dev.txt -q
	echo uv | .venv/bin/uv pip compile - --generate-hashes --no-emit-index-url --no-header --no-annotate -q -o .ci/uv.txt

generate: bootstrap ## write again what is generated: API types, OpenAPI facts, CRI and etcd stubs, docs/api.md
	$(PYTHON) -m controlplane.api.generate
	$(PYTHON) -m controlplane.apiserver.openapi.generate
	.venv/bin/ruff check --fix --quiet controlplane/api
	.venv/bin/ruff format --quiet controlplane/api controlplane/apiserver/openapi
	$(PYTHON) -m tests.integration.api_coverage
	$(PYTHON) -m grpc_tools.protoc -I . --python_out=. --pyi_out=. nodeagent/cri/*.proto nodeagent/plugins/*.proto \
		nodeagent/volumes/csi/*.proto controlplane/store/etcd/*.proto

clean: ## remove caches and builds
	@[ ! -d .lab ] || { echo "the lab runs on what is cached: make lab-down first" >&2; exit 1; }
	rm -rf .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find controlplane nodeagent tests vagrant -name __pycache__ -type d -prune -exec rm -rf {} +

bootstrap:
	@.ci/bootstrap
