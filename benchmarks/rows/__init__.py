"""One file per question; each has `measure(scale) -> list[Row]`."""
