"""The documentation's site: `make docs` builds it from the pages here and from the docstrings."""

from __future__ import annotations

import impasto

project = "Impasto"
author = "The authors of Impasto"
copyright = f"{author}, Apache-2.0"
version = release = impasto.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "furo"
html_title = "Impasto"
html_static_path: list[str] = []
# Single backticks in docstrings are names.
default_role = "py:obj"
