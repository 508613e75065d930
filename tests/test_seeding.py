from roadwork.seeding import derive


def test_streams_differ_and_stay() -> None:
    assert len({derive(17, "head"), derive(18, "head"), derive(17, "sampler"), derive(17, "head", 0)}) == 4
    assert all(0 <= derive(seed, "x") < 2**63 for seed in range(200))


def test_golden_value() -> None:
    """A changed derivation would silently change every result."""
    assert derive(17, "head") == 8_624_874_973_679_460_506
