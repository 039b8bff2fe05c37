"""Everything a person sees: typed views, templates and the files they need."""
