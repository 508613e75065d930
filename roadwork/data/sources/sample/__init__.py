"""The embedded sample: street scenes drawn from a seed, with and without roadwork."""
