# The course's commands. `make` lists them; each sets up .venv first, once.
.POSIX:

PYTHON ?= python3
COURSE_VENV ?= .venv
BIN = $(COURSE_VENV)/bin
REQUIREMENTS = requirements.txt
CONSTRAINTS = constraints.txt
ARGS =
LAB_ARGS =
# Seconds: their experiments want a machine that does nothing else.
SPEEDS = changes growth time_to_accuracy photographs resnet18 playgrounds own_costs speed_bars
# -n auto and what stays together on one worker: conftest.py.
PYTEST = "$(BIN)/python" -m pytest -q -n auto
MARKS = not cuda and not all and not nightly
VERDICT = test $$failed = 0 && echo "Everything passed." \
	|| { echo "Not everything passed." >&2; exit 1; }

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile \
		| awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

setup: ## create .venv from requirements.txt, once
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "No $(PYTHON) here: install Python 3.10 or newer." >&2; exit 1; }
	@COURSE_VENV="$(COURSE_VENV)" "$(PYTHON)" tools/setup.py \
		--requirements "$(REQUIREMENTS)" --constraints "$(CONSTRAINTS)"

lab: setup ## open JupyterLab on lesson 00; where port 8888 is taken, on the next free
	@"$(BIN)/python" -m jupyterlab --config=tools/jupyter/lab.py $(LAB_ARGS)

run: setup ## execute every lesson into runs/ (ARGS="--help" shows what it takes)
	@"$(BIN)/course" run $(ARGS)

lint: setup ## ruff, codespell, the rules of lessons, imports, types
	@failed=0; PATH="$(BIN):$$PATH"; for check in "ruff check ." \
		"ruff format --check ." codespell "course lint" \
		"lint-imports --no-logo" basedpyright; \
	do echo "$$ $$check"; $$check || failed=1; done; exit $$failed

test: setup ## prove everything: lint, tests, every lesson against its outputs
	@failed=0; $(MAKE) -s lint || failed=1; $(PYTEST) -m "$(MARKS)" || failed=1; \
	$(VERDICT)

test-all: ## `make test`, and the lessons on an emulated accelerator
	@$(MAKE) -s test MARKS="not cuda and not nightly"

test-nightly: ## `make test-all`, and what takes longest
	@$(MAKE) -s test MARKS="not cuda"

test-cuda: setup ## the same lessons against the same outputs on a GPU
	@failed=0; $(PYTEST) -n 0 -rs -m cuda tests/test_cuda.py || failed=1; \
	"$(BIN)/python" -c "import torch; assert torch.cuda.is_available()" 2>/dev/null \
		|| { echo "No GPU that torch can use here: nothing ran on CUDA."; exit $$failed; }; \
	$(VERDICT)

links: setup ## write the repository's address into badges and install lines
	@"$(BIN)/course" links

refresh: setup ## execute the lessons and store their outputs
	@"$(BIN)/course" refresh $(ARGS)

site: setup ## build the web site into public/; open public/index.html
	@"$(BIN)/course" site $(ARGS)

experiments: setup ## measure anew what takes longer than a lesson may, speeds apart
	@for script in experiments/*.py; do case " $(SPEEDS) " in \
		*" $$(basename $$script .py) "*) continue;; esac; echo "$$ $$script"; \
		"$(BIN)/python" "$$script" --fresh || exit 1; done

bench: setup ## measure anew what depends on the machine, when it does nothing else
	@for name in $(SPEEDS); do echo "$$ experiments/$$name.py"; \
		"$(BIN)/python" "experiments/$$name.py" --fresh || exit 1; done
	"$(BIN)/python" -m course_utils.authoring.speed_tables

coverage: setup ## the share of lines and branches that the tests run
	@$(PYTEST) -m "$(MARKS)" --cov --cov-report=term tests course_utils

mutants: setup ## change exercises/ bit by bit, see what no test notices (needs mutmut)
	@rm -rf mutants # mutmut keeps results though tests have changed
	@"$(BIN)/python" -m mutmut run --max-children 1 $(ARGS) && \
		"$(BIN)/python" -m mutmut results

clean: ## delete runs/, screenshots and caches; .venv and data/ stay
	rm -rf public runs screenshots mutants tests/browser/screenshots build dist .*_cache
	find . -name .venv -prune -o -name __pycache__ -prune -exec rm -rf {} +
	find . -name .venv -prune -o -name .ipynb_checkpoints -prune -exec rm -rf {} +

.PHONY: help setup lab run lint test test-all test-nightly test-cuda links refresh site experiments bench coverage mutants clean
