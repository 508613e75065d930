from pathlib import Path

import pytest

from roadwork.data.record import Record


def test_a_record_has_a_file_or_a_content():
    assert Record("a", "a.jpg", Path("a.jpg"), None).fields == {}
    assert Record("a", "a.jpg", None, b"").content == b""
    with pytest.raises(TypeError, match=r"t\.csv row 3"):
        Record("t.csv row 3", "a.jpg", None, None)
    with pytest.raises(TypeError, match="either"):
        Record("t.csv row 3", "a.jpg", Path("a.jpg"), b"x")
