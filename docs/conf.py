"""How Sphinx builds the documentation site: `make docs`."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # generators of pages live in `tests`

project = "roadmap-analytics"
author = "The roadmap-analytics authors"
project_copyright = "The roadmap-analytics authors, MIT licence"
release = version = installed_version("roadmap-analytics")

extensions = [
    "myst_nb",  # Markdown pages; the gallery's code runs while the site is built
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
]
# autosummary writes reStructuredText under the first suffix: as Markdown it would stay raw text.
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb"}
templates_path = ["_templates"]
exclude_patterns = ["_site", "_static", "_templates", "jupyter_execute"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# Code on an ordinary page is text; a page that runs says so with its kernel in the front matter.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
# By default myst-nb asks a public host for the scripts of widgets. No page here has one.
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

autosummary_generate = True
# Sphinx keeps the page of a name that is gone, and fails on it.
shutil.rmtree(ROOT / "docs" / "api", ignore_errors=True)
default_role = "literal"  # docstrings write names of arguments and columns in single backticks
autodoc_typehints = "none"  # numpydoc's parameter lists say the types in words
numpydoc_show_class_members = False
numpydoc_validation_checks: set[str] = set()

html_theme = "pydata_sphinx_theme"
html_title = "roadmap-analytics"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_search_summary = False  # it fetches pages, which a browser refuses for files on disk
html_show_sourcelink = False
html_use_index = False  # the reference lists the names by question
html_sidebars = {"start": [], "gallery": []}  # pages without pages below them
html_context = {
    "default_mode": "auto"
}  # dark or light as the reader's system; the theme warns without
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
