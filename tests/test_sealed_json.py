import json
import random

import pytest

from roadwork.publish import write_json
from roadwork.sealed_json import (
    DEEPEST,
    LARGEST_BYTES,
    SEAL,
    is_as_written,
    is_intact,
    parse_object,
    parse_sealed,
    read_bytes,
    seal,
)

CONTENT = {
    "text": "Straße\n",
    "number": 0.30000000000000004,
    "small": 1e-05,
    "list": [1, None, True],
    "inner": {"b": 1},
}


@pytest.fixture
def file(tmp_path):
    write_json(tmp_path / "sealed.json", seal(CONTENT))
    return tmp_path / "sealed.json"


def test_what_was_sealed_comes_back(file):
    content = parse_sealed(read_bytes(file))
    assert {key: value for key, value in content.items() if key != SEAL} == CONTENT
    assert is_intact(content)


def test_sealing_again_changes_nothing():
    assert seal(seal(CONTENT)) == seal(CONTENT)


def test_the_order_of_the_keys_is_no_part_of_the_seal():
    assert is_intact(dict(reversed(seal(CONTENT).items())))


def test_every_flipped_bit_is_noticed(file):
    raw = file.read_bytes()
    for bit in range(len(raw) * 8):
        bad = bytearray(raw)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match=r"."):
            parse_sealed(bytes(bad))


@pytest.mark.parametrize(("given", "same"), [("1e-05", "1E-05"), ("0.30000000000000004", "0.30000000000000005")])
def test_another_text_of_the_same_values_is_noticed(file, given, same):
    """The digest is of the values, which these are equal to."""
    raw = file.read_bytes().replace(given.encode(), same.encode())
    assert is_intact(parse_object(raw))
    assert not is_as_written(raw, parse_object(raw))
    with pytest.raises(ValueError, match="the text isn't"):
        parse_sealed(raw)


def test_an_object_without_a_seal():
    with pytest.raises(ValueError, match="no digest of itself"):
        parse_sealed(b'{"a": 1}')


@pytest.mark.parametrize("value", [None, 7, ["a"], {"a": "b"}])
def test_a_seal_of_another_type(value):
    assert not is_intact({"a": 1, SEAL: value})


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting"),
        (b"\xff", "utf-8"),
        (b"[]", "not a JSON object"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": [Infinity]}', "Infinity is no number"),
        (b'{"a": -1e400}', "-1e400 is no number"),
        (b'{"a": {"b": 1, "b": 1}}', "twice"),
        (b'{"a": ' + b"[" * DEEPEST + b"]" * DEEPEST + b"}", "nested too deeply"),
        (b'{"a": ' * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_object_of_json_says_why(raw, why):
    with pytest.raises(ValueError, match=why):
        parse_object(raw)


def test_as_deep_as_may_be():
    inner = b"[" * (DEEPEST - 1) + b"]" * (DEEPEST - 1)
    assert parse_object(b'{"a": ' + inner + b"}")


def test_random_bytes_are_never_more_than_a_value_error():
    rng = random.Random(1)
    raw = json.dumps(seal(CONTENT)).encode()
    for _ in range(500):
        bad = bytearray(raw)
        for _ in range(rng.randrange(1, 6)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        try:
            parse_sealed(bytes(bad))
        except ValueError:
            continue
        raise AssertionError(bytes(bad))


def test_a_file_too_large_is_not_read(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    with pytest.raises(ValueError, match="at most"):
        read_bytes(tmp_path / "large")


def test_what_is_no_file(tmp_path):
    with pytest.raises(ValueError, match="not a regular file"):
        read_bytes(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "nothing")
