"""Browser-side pieces: one folder each with a template, a style and a script."""
