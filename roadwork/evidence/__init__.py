"""Why a photograph was called roadwork: what the head made of each view, and how much the answer hangs on it."""
