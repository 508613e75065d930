import subprocess
import sys

import pandas as pd
import pytest

from roadwork.data.table_file import read_table_file
from roadwork.errors import DataError


def test_a_whole_table_is_given(tmp_path):
    table = pd.DataFrame({"image_id": ["a", "b"], "weight": [1.0, 2.0]})
    table.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_table_file(tmp_path / "t.parquet", stage="tile"), table)


def test_a_missing_table_names_its_stage(tmp_path):
    with pytest.raises(DataError, match=r"there is no t\.parquet") as caught:
        read_table_file(tmp_path / "t.parquet", stage="tile")
    assert caught.value.where == str(tmp_path / "t.parquet")
    assert caught.value.fix == "run `roadwork tile`"


@pytest.mark.parametrize("length", [0, 3, 200, -1])
def test_a_damaged_table_is_one_message(tmp_path, length):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": range(100)}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match="not readable as Parquet") as caught:
        read_table_file(path, stage="tile")
    assert caught.value.where == str(path)
    assert caught.value.fix == "run `roadwork tile` again"


def test_reading_needs_no_torch():
    code = "import sys, roadwork.data.table_file; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
