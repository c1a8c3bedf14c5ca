# `make demo` and `make test` set up what they need. The environment is made once, in .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
UV      = $(shell command -v uv || echo .uv/bin/uv)
# Threads that wait in a loop make tests many times as long where something else runs, too (docs/speed.md).
SHARING = OMP_WAIT_POLICY=$${OMP_WAIT_POLICY:-PASSIVE}
PHOTO  ?=
STYLE  ?= starry-night

.PHONY: docs docs-tables demo test test-formats test-link test-live test-clips test-ray test-page test-web lint bench bench-batch bench-export bench-int8 bench-serving bench-load bench-quality bench-look bench-masks bench-page bench-pictures bench-students bench-video bench-clips wheel plugins test-cpp test-krita krita-root test-gimp gimp-root setup clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	@command -v uv >/dev/null || test -x .uv/bin/uv || { $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet uv; }
	@test -x $(BIN)/python || $(UV) venv --quiet --python ">=3.11" $(VENV)
	@$(UV) pip install --quiet --python $(BIN)/python --editable ".[addresses,demo,export,inspect,train,video,web]" --group dev
	@touch $@

# Any photo will do: make demo PHOTO=holiday.jpg STYLE=great-wave
demo: setup
	@photo="$(PHOTO)"; test -n "$$photo" || photo=$$($(BIN)/python -c "import skimage; print(skimage.__path__[0])")/data/astronaut.png; \
	  set -x; $(BIN)/impasto stylize "$$photo" -o demo.png --existing replace --style $(STYLE)
	@echo "The painting is in demo.png"

# Two at a time: many tests wait for a server to start or to end. Not more, for each has servers with PyTorch in them.
# What is next to one another shares fixtures, so each gets a half, and who is done first takes over from the other.
test: setup
	$(SHARING) $(BIN)/python -m pytest -n 2 --dist worksteal

# The link and what editors share have to run in the Pythons that editors embed, without torch and numpy. Those that uv
# finds, or pyenv has.
TESTS_OF_LINK = tests/link tests/editor/test_shared_parts.py tests/editor/test_rows.py
PYENV_ROOT ?= $(HOME)/.pyenv
test-link: setup
	@for version in 3.10 3.11 3.13; do \
	  python=$$($(UV) python find --no-python-downloads $$version 2>/dev/null \
	    || ls -d $(PYENV_ROOT)/versions/$$version.*/bin/python 2>/dev/null | tail -n 1); \
	  test -n "$$python" || { echo "Python $$version is not at hand"; continue; }; \
	  echo "Python $$version"; \
	  $(UV) run --quiet --no-project --isolated --python "$$python" \
	    --with msgpack,pyzmq,pytest,pytest-timeout,hypothesis \
	    env PYTHONPATH=backend python -m pytest -q --confcutdir=tests/link $(TESTS_OF_LINK) || exit 1; \
	done

# The page of the web face in a real Chromium, which is Debian's and is installed if there is none, as root; and the
# examples for serving. Screenshots and logs come into WEB_OUTPUT. Some proofs only: make test-web PROOFS="mouse or key"
WEB_OUTPUT ?= build/web
test-web: setup
	@$(UV) pip install --quiet --python $(BIN)/python --group web
	WEB_OUTPUT=$(WEB_OUTPUT) $(SHARING) $(BIN)/python -m pytest $(if $(PROOFS),-k "$(PROOFS)") tests/real_browser/proofs.py tests/real_browser/examples.py

# The page of `impasto export --page`, likewise, and exported files in JavaScript.
test-page: setup
	@$(UV) pip install --quiet --python $(BIN)/python --group web
	WEB_OUTPUT=$(WEB_OUTPUT) $(SHARING) $(BIN)/python -m pytest $(if $(PROOFS),-k "$(PROOFS)") tests/real_browser/folder_proofs.py tests/real_browser/javascript.py

# The shipped networks in every format but TensorRT's, in their own runtimes. Needs a C++ compiler.
test-formats: setup
	@$(UV) pip install --quiet --python $(BIN)/python --editable ".[demo,export,inspect,train,executorch]"
	$(SHARING) $(BIN)/python -m pytest tests/export/proof_formats.py

# The window of `impasto live`, under Xvfb, which is installed if there is none, as root.
LIVE_OUTPUT ?= build/live
test-live: setup
	@tests/live/packages.sh
	@$(UV) pip install --quiet --python $(BIN)/python --editable ".[demo,inspect,train,live]"
	LIVE_OUTPUT=$(LIVE_OUTPUT) $(SHARING) $(BIN)/python -m pytest tests/live/proof_window.py

# A clip as a phone films it, painted by the command; sheets of its frames come into VIDEO_OUTPUT.
VIDEO_OUTPUT ?= build/video
test-clips: setup
	VIDEO_OUTPUT=$(VIDEO_OUTPUT) $(SHARING) $(BIN)/python -m pytest tests/video/proof_phone.py

# On a Ray cluster of this machine, of which workers are killed, and the command itself.
test-ray: setup
	@$(UV) pip install --quiet --python $(BIN)/python --editable ".[demo,inspect,train,ray]"
	$(SHARING) $(BIN)/python -m pytest -q tests/scale/proof_ray.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The tables of options in README.md and docs/, from the data that the options are made of.
docs-tables: setup
	$(BIN)/python docs/tables.py

# The site of the documentation, from docs/ and the docstrings: build/docs/index.html. A warning is an error.
docs: setup
	@$(UV) pip install --quiet --python $(BIN)/python --group docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "The documentation is in build/docs/index.html"

bench: setup
	@$(UV) pip install --quiet --python $(BIN)/python --editable ".[demo,train,bench]"
	$(BIN)/python benchmarks/network.py
	$(BIN)/python benchmarks/speed.py

# Exported files in their own runtimes. Those of ExecuTorch only where the extra `executorch` is. A short form:
# EXPORT="--sizes 512 --formats .onnx .xml"
EXPORT ?=
bench-export: setup
	$(SHARING) $(BIN)/python benchmarks/export.py $(EXPORT)

# Files in 8 bits, in all styles: make bench-int8 PHOTOS=DIR, with INT8="--styles gouache" for few, or "--bank"
INT8 ?=
bench-int8: setup
	$(SHARING) $(BIN)/python benchmarks/int8.py --photos "$(PHOTOS)" $(INT8)

# The page that paints by itself, in Chromium, which is Debian's and is installed if there is none, as root. A short form:
# PAGE="--sizes 512"
PAGE ?=
bench-page: setup
	@$(UV) pip install --quiet --python $(BIN)/python --group web
	PYTHONPATH=tests $(SHARING) $(BIN)/python benchmarks/page.py $(PAGE)

# What others feel of somebody's long work; and two hundred clients at once, over ZeroMQ and HTTP (LOAD=--short for few).
LOAD ?=
bench-serving: setup
	$(BIN)/python benchmarks/serving.py

bench-load: setup
	$(BIN)/python benchmarks/load.py $(LOAD)

# How much frames flicker, each painted by itself and as a sequence. A short form: VIDEO=--short
VIDEO ?=
bench-video: setup
	$(SHARING) $(BIN)/python benchmarks/video.py $(if $(PHOTOS),--photos "$(PHOTOS)") $(VIDEO)

# The command for a clip beside the painting of its frames alone. A short form: CLIPS="--frames 30 --rounds 1"
CLIPS ?=
bench-clips: setup
	PYTHONPATH=tests $(SHARING) $(BIN)/python benchmarks/video_command.py $(CLIPS)

# Two workers of a Ray cluster beside one.
bench-batch: setup
	@$(UV) pip install --quiet --python $(BIN)/python --editable ".[demo,inspect,train,ray]"
	$(BIN)/python benchmarks/batch.py

bench-quality: setup
	$(BIN)/python benchmarks/quality.py $(QUALITY)

# Pictures as styles: times, and with PAINTINGS=DIR VGG=FILE their distances.
PAINTINGS ?=
VGG       ?=
bench-pictures: setup
	$(BIN)/python benchmarks/pictures.py $(if $(PAINTINGS),--paintings "$(PAINTINGS)") $(if $(VGG),--vgg "$(VGG)")

# How paintings look beside those of other people's networks, on what no training saw. The short form: PAIRS=4. More
# options in LOOK, such as LOOK="--sheet sheet.jpg". Magenta's network needs the extra `peers`, and is left out without it.
PHOTOS    ?=
PICTURES  ?=
TEXTURES  ?=
PEERS     ?=
MOBILENET ?=
PAIRS     ?= 24
LOOK      ?=
bench-look: setup
	@test -n "$(MOBILENET)" || { echo "make bench-look MOBILENET=FILE PICTURES=DIR [PEERS=DIR PHOTOS=DIR TEXTURES=DIR VGG=FILE]"; exit 2; }
	-@$(UV) pip install --quiet --python $(BIN)/python --editable ".[demo,inspect,train,peers]"
	$(SHARING) $(BIN)/python benchmarks/look.py --pairs $(PAIRS) --mobilenet "$(MOBILENET)" \
	  $(if $(PHOTOS),--photos "$(PHOTOS)") $(if $(PICTURES),--pictures "$(PICTURES)") \
	  $(if $(TEXTURES),--textures "$(TEXTURES)") $(if $(PEERS),--peers "$(PEERS)") $(if $(VGG),--vgg "$(VGG)") $(LOOK)

# The scores of the subject masks: make bench-masks SUBJECTS=DIR
SUBJECTS ?=
bench-masks: setup
	$(BIN)/python benchmarks/masks.py --subjects "$(SUBJECTS)"

# The student beside the network that it paints like: make bench-students PHOTOS=DIR, STUDENTS="FILES" for others, too
STUDENTS ?=
bench-students: setup
	$(BIN)/python benchmarks/students.py --photos "$(PHOTOS)" $(STUDENTS)

# The wheel has to hold the models and to work where it is installed.
wheel: setup
	rm -rf dist
	$(UV) build --quiet --wheel
	@for model in classic subject encoder classic-predictor adain small; do \
	  $(BIN)/python -m zipfile -l dist/*.whl | grep -q "impasto/_models/$$model.safetensors" \
	    || { echo "the model $$model is not in the wheel"; exit 1; }; \
	done
	@$(BIN)/python -m zipfile -l dist/*.whl | grep -q "impasto/_plugins/krita/impasto_krita/docker.py" || { echo "no Krita docker in the wheel"; exit 1; }
	@$(BIN)/python -m zipfile -l dist/*.whl | grep -q "impasto/_plugins/gimp/impasto_gimp/impasto_gimp.py" || { echo "no GIMP filter in the wheel"; exit 1; }
	@ls -l dist

# For the editors' own importers of plugins, and for unpacking; `impasto install` needs none of it.
plugins: setup
	$(BIN)/impasto install krita --zip dist/impasto-krita.zip
	$(BIN)/impasto install gimp --zip dist/impasto-gimp.zip

# The docker in the real Krita, which lies in a Debian of its own; that is made at the first time, as root. Screenshots
# and logs come into KRITA_OUTPUT. Some proofs only: make test-krita PROOFS="click areas"
KRITA_SUITE  ?= trixie
KRITA_ROOT   ?= $(HOME)/.cache/impasto/krita-$(KRITA_SUITE)
KRITA_OUTPUT ?= build/krita
PROOFS       ?=
# The Python parts are only recommended by the editors. No pyzmq and no msgpack: most editors have none either.
KRITA_PACKAGES = krita python3-pyqt5 fonts-dejavu-core fonts-noto-cjk $(KRITA_PACKAGES_$(KRITA_SUITE))
# For the proof with what Krita 6 has.
KRITA_PACKAGES_trixie = python3-pyqt6 qt6-svg-plugins
KRITA_PACKAGES_forky  = $(KRITA_PACKAGES_trixie)
test-krita: setup krita-root
	$(BIN)/python tests/real_krita/run.py --root $(KRITA_ROOT) --output $(KRITA_OUTPUT) $(PROOFS)

krita-root:
	@mkdir -p $(KRITA_OUTPUT)
	@tests/real_editors/chroot.sh $(KRITA_SUITE) $(KRITA_ROOT) $(KRITA_PACKAGES) >$(KRITA_OUTPUT)/chroot.log 2>&1 || \
	  { tail -n 20 $(KRITA_OUTPUT)/chroot.log; exit 1; }

# The filter in the real GIMP, likewise. Some proofs only: make test-gimp PROOFS="dialog depths"
GIMP_SUITE    ?= trixie
GIMP_ROOT     ?= $(HOME)/.cache/impasto/gimp-$(GIMP_SUITE)
GIMP_OUTPUT   ?= build/gimp
GIMP_PACKAGES  = gimp gir1.2-gimp-3.0 gir1.2-gtk-3.0 python3-gi adwaita-icon-theme librsvg2-common \
  fonts-dejavu-core fonts-noto-cjk
test-gimp: setup gimp-root
	$(BIN)/python tests/real_gimp/run.py --root $(GIMP_ROOT) --output $(GIMP_OUTPUT) $(PROOFS)

gimp-root:
	@mkdir -p $(GIMP_OUTPUT)
	@tests/real_editors/chroot.sh $(GIMP_SUITE) $(GIMP_ROOT) $(GIMP_PACKAGES) >$(GIMP_OUTPUT)/chroot.log 2>&1 || \
	  { tail -n 20 $(GIMP_OUTPUT)/chroot.log; exit 1; }

# The examples in C++, built and run in a Debian of their own, likewise: with ONNX Runtime, and in a window.
CPP_SUITE  ?= trixie
CPP_ROOT   ?= $(HOME)/.cache/impasto/cpp-$(CPP_SUITE)
CPP_OUTPUT ?= build/cpp
CPP_PACKAGES = g++ make cmake libonnxruntime-dev libopencv-dev libglfw3-dev libepoxy-dev libgl1-mesa-dri xvfb xauth
test-cpp: setup
	@mkdir -p $(CPP_OUTPUT)
	@tests/real_editors/chroot.sh $(CPP_SUITE) $(CPP_ROOT) $(CPP_PACKAGES) >$(CPP_OUTPUT)/chroot.log 2>&1 || \
	  { tail -n 20 $(CPP_OUTPUT)/chroot.log; exit 1; }
	$(BIN)/python tests/real_cpp/run.py --root $(CPP_ROOT) --output $(CPP_OUTPUT)

clean:
	rm -rf $(VENV) .uv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
