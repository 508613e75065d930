"""One short module per stage, and the command line that runs them."""
