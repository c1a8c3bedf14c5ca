# `make demo` and `make test` set up what they need. The environment is made once, in .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PHOTO  ?=
STYLE  ?= starry-night

.PHONY: demo test lint bench bench-quality setup clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	@command -v uv >/dev/null || test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/pip install --quiet uv; }
	@PATH="$(CURDIR)/$(BIN):$$PATH"; export PATH; \
	  test -x $(BIN)/python || uv venv --quiet --python ">=3.11" $(VENV); \
	  uv pip install --quiet --python $(BIN)/python --editable ".[demo,train]" --group dev
	@touch $@

# Any photo will do: make demo PHOTO=holiday.jpg STYLE=great-wave
demo: setup
	@photo="$(PHOTO)"; test -n "$$photo" || photo=$$($(BIN)/python -c "import skimage; print(skimage.__path__[0])")/data/astronaut.png; \
	  set -x; $(BIN)/impasto stylize "$$photo" -o demo.png --style $(STYLE)
	@echo "The painting is in demo.png"

test: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python benchmarks/speed.py

bench-quality: setup
	$(BIN)/python benchmarks/quality.py $(QUALITY)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
