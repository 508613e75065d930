"""A table of a million rows, all but a few of them bad: linear time, bounded memory, every row accounted for."""

import pytest
from corpus.pictures import encoded, picture
from corpus.stages import run_stage, write_corpus_project

ROWS = 1_000_000


@pytest.mark.faults
def test_a_million_rows_that_name_few_files_or_none(tmp_path, record_property):
    source = tmp_path / "source"
    source.mkdir()
    for number in range(10):
        (source / f"{number}.jpg").write_bytes(encoded(picture(number), "JPEG"))
    with (source / "t.csv").open("w") as table:
        table.write("path,label,weather,description\n")
        for number in range(ROWS):
            name = f"{number % 10}.jpg" if number < ROWS // 2 else f"missing/{number}.jpg"
            table.write(f"{name},{number % 2},Sunny,the text of row {number}\n")
    write_corpus_project(tmp_path / "project", source)
    told, peak = run_stage(tmp_path / "project", "ingest", code=1)
    message = told[told.index("error: ") :]
    assert "999990 of 1000000 rows are bad (100.0%); most often (500000×) path: the file must exist" in message
    assert len(message.splitlines()) == 4
    with (tmp_path / "project" / "data" / "rejects.csv").open() as stream:
        assert sum(1 for _ in stream) == ROWS - 10 + 1
    assert not (tmp_path / "project" / "data" / "manifest.parquet").exists()
    assert peak < 1_200_000_000
    record_property("measured", f"a table of a million bad rows: peak {peak / 1e6:.0f} MB")
