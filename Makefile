# The course's commands. `make` lists them; each sets up .venv first, once.
.POSIX:

PYTHON ?= python3
COURSE_VENV ?= .venv
PY = "$(COURSE_VENV)/bin/python"
ARGS =
LAB_ARGS =

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile \
		| awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

setup: ## make .venv from requirements.txt, once
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "No $(PYTHON) here: install Python 3.10 or newer." >&2; exit 1; }
	@"$(PYTHON)" tools/bootstrap.py

lab: setup ## open JupyterLab on lesson 00; where port 8888 is taken, on the next free
	@$(PY) -m jupyterlab --ServerApp.ip=127.0.0.1 --ServerApp.root_dir=notebooks \
		--LabApp.default_url=/lab/tree/00_start_here.ipynb --LabApp.news_url=None \
		--Application.log_level=WARN $(LAB_ARGS) \
		$$(test "$$(id -u)" -ne 0 || echo --allow-root)

run: setup ## execute every lesson into runs/ (ARGS="--help" shows what it takes)
	@"$(COURSE_VENV)/bin/course" run $(ARGS)

test: setup ## prove everything: lint, tests, every lesson against its outputs
	@$(PY) tools/prove.py

test-cuda: setup ## the same lessons against the same outputs on a GPU
	@$(PY) tools/prove.py --cuda

links: setup ## write the repository's address into badges and install lines
	@$(PY) tools/links.py

refresh: setup ## execute the lessons and store their outputs
	@$(PY) tools/lessons.py refresh $(ARGS)

mutants: setup ## change exercises/ bit by bit, see what no test notices (needs mutmut)
	@rm -rf mutants  # it keeps results though tests have changed
	@$(PY) -m mutmut run --max-children 1 $(ARGS) && $(PY) -m mutmut results

clean: ## delete runs/, screenshots and caches; .venv and data/ stay
	rm -rf runs screenshots mutants tests/browser/screenshots build dist .pytest_cache .ruff_cache
	find . -name .venv -prune -o -name __pycache__ -prune -exec rm -rf {} +
	find . -name .venv -prune -o -name .ipynb_checkpoints -prune -exec rm -rf {} +

.PHONY: help setup lab run test test-cuda links refresh mutants clean
