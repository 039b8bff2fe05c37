"""How Sphinx builds this documentation (`make docs`)."""

import troth

project = "Troth"
author = "The Troth authors"
copyright = f"2026, {author}"
release = version = troth.__version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"Troth {release}"
html_copy_source = False
html_show_sphinx = False
