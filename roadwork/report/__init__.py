"""One self-contained page of evidence."""
