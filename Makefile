# Two commands matter: `make run` and `make test`. Both set up .venv first, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DATASET ?= shop
COLUMNS ?=
LOCK := pip compile --quiet --universal --generate-hashes --python-version 3.11.5 \
--no-header --no-annotate
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
export TF_CPP_MIN_LOG_LEVEL ?= 3
# The shell gets both from its environment, where quotes, blanks and dollars are plain characters.
export override DATASET := $(value DATASET)
export override COLUMNS := $(value COLUMNS)

.PHONY: run test test-slow test-package test-notebooks test-backends test-text lab notebooks texts site test-site
.PHONY: bench race scale table lock check-pins clean

run: $(READY)  ## Train on DATASET (a name, or a file with COLUMNS='user=uid,item=sku'), show lists
	$(BIN)/python -m recmodels run --dataset "$$DATASET" --columns "$$COLUMNS"

test: $(READY)  ## The fast suite; real data too where RECMODELS_DATA points at it
	$(BIN)/python -m pytest -n auto --dist worksteal \
	--ignore tests/test_notebooks.py --ignore tests/test_site.py

test-slow: $(READY)  ## Tests marked slow: longer trainings, stored results, killed processes (minutes)
	$(BIN)/python -m pytest --slow -m slow -n auto --dist worksteal --ignore tests/test_package.py

test-package: $(READY)  ## The wheel in an empty environment, where README's example runs (downloads)
	$(BIN)/python -m pytest --slow tests/test_package.py

test-notebooks: $(READY)  ## Every notebook and its solutions, in fast mode
	$(BIN)/python -m pytest -n auto --dist worksteal tests/test_notebooks.py

test-backends: $(VENV)/.backends  ## Layers, losses and models under JAX, and PyTorch if installed
	KERAS_BACKEND=jax $(BIN)/python -m pytest --slow -n auto --dist worksteal -m backends
	KERAS_BACKEND=jax $(BIN)/python -m pytest --slow tests/test_processes.py
	if $(BIN)/python -c 'import torch' 2>/dev/null; then \
	KERAS_BACKEND=torch $(BIN)/python -m pytest --slow -n auto --dist worksteal -m backends; fi

test-text: $(VENV)/.bert  ## Language models of local folders, the packaged MiniLM too
	$(BIN)/python -m pytest tests/test_bert_folder.py

lab: $(READY)  ## Open the notebooks; links to the glossary lead out of their folder
	$(BIN)/python -m jupyterlab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks

notebooks: $(READY)  ## Execute all notebooks and solutions, keep outputs and texts (minutes)
	$(BIN)/python notebooks/execute.py
	$(BIN)/python notebooks/table.py

bench: $(READY)  ## An epoch of ours against PyTorch and RecTools, in turns (an hour)
	$(BIN)/python -m benchmarks bench

race: $(READY)  ## Trainings from the start of their process to a validation score (half an hour)
	$(BIN)/python -m benchmarks race

scale: $(READY)  ## How cost grows with events, length, catalogue and width (five minutes)
	$(BIN)/python -m benchmarks scale

texts: $(READY)  ## Bring notebooks and their texts in step; of two that differ the newer is right
	$(BIN)/python notebooks/pair.py
	$(BIN)/python notebooks/table.py

site: $(VENV)/.site  ## The course as pages in build/site; open build/site/index.html, online or not
	$(BIN)/python -m sphinx -q -W --keep-going -b html -c docs . build/site

test-site: site  ## Nothing of the site comes from elsewhere; a browser, if installed, shows it whole
	$(BIN)/python -m pytest tests/test_site.py

table: $(READY)  ## All stored results beside the published ones
	$(BIN)/python -m recmodels table

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11, 5) <= sys.version_info[:3] < (3, 14); \
	sys.exit(None if ok else "recmodels needs Python 3.11.5 to 3.13; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -r requirements.txt
	$(INSTALL) --no-deps --editable .
	touch $(READY)

$(VENV)/.backends: $(READY) requirements-jax.txt
	$(INSTALL) -r requirements-jax.txt
	touch $(VENV)/.backends

$(VENV)/.site: $(READY) requirements-site.txt docs/package-lock.json
	@command -v npm >/dev/null || { echo "make site needs npm (Node.js), which brings MathJax"; exit 1; }
	npm ci --prefix docs --silent --ignore-scripts
	$(INSTALL) -r requirements-site.txt
	touch $(VENV)/.site

$(VENV)/.bert: $(READY) requirements-bert.txt requirements-minilm.txt
	$(INSTALL) -r requirements-bert.txt
	$(INSTALL) --no-deps -r requirements-minilm.txt
	touch $(VENV)/.bert

lock: $(READY)  ## Pin all packages with hashes in the requirements files; keep pins that fit pyproject.toml
	$(INSTALL) uv==0.13.9
	$(BIN)/uv $(LOCK) --extra dev pyproject.toml -o requirements.txt
	for extra in site jax bert cluster; do $(BIN)/uv $(LOCK) --extra dev --extra $$extra -c requirements.txt \
	$$(sed -n 's/^\([a-z0-9.-]*\)==.*/--no-emit-package \1/p' requirements.txt) \
	pyproject.toml -o requirements-$$extra.txt || exit 1; done

check-pins: $(READY)  ## The pins resolve on the other Pythons too (nothing is installed)
	for version in 3.12 3.13; do $(INSTALL) --dry-run --only-binary=:all: \
	--python-version $$version --target $(VENV)/dry-run -r requirements.txt || exit 1; done

clean:  ## Forget the environment and unfinished runs; data and results stay
	rm -rf $(VENV) docs/node_modules build/site runs
