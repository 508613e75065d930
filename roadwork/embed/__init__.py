"""From views and sentences to vectors, paid for once and kept in Zarr."""
