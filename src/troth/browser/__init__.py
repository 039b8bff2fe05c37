"""What a person sees: one file per page, each with its paths, methods and handler."""
