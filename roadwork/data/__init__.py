"""From any source to one validated manifest, and from the manifest to splits, folds and sampling weights."""
