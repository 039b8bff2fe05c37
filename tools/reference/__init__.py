"""The generated pages of docs/reference: each is a function from the repository to Markdown.

`python -m tools.reference` writes them; with `--check` it says which are stale and writes nothing.
"""
