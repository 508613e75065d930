"""Work that may crash, hang or eat memory, in processes that end alone."""
