"""Files on this machine or in an object store, under one kind of name."""
