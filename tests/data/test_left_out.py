"""The list of photographs to leave out."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadwork.data.embed_rejects import write_embed_rejects
from roadwork.data.left_out import LeftOut, read_left_out
from roadwork.errors import DataError, PhotographError

HEADER = "file,column,value,rule\n"
ID = "0123456789abcdef" * 4


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_and_a_header_alone_leave_nothing_out(tmp_path: Path) -> None:
    assert len(read_left_out(tmp_path / "none.csv")) == 0
    assert len(read_left_out(written(tmp_path / "a.csv", HEADER))) == 0


def test_image_ids_and_paths_have_their_reasons(tmp_path: Path) -> None:
    text = f'{HEADER},image_id,{ID},"crashes, twice"\n\nanything,path,roadwork/ü.jpg,\n'
    found = read_left_out(written(tmp_path / "a.csv", text))
    assert found == LeftOut({ID: "crashes, twice"}, {"roadwork/ü.jpg": ""})
    assert found.unused({ID}) == ["roadwork/ü.jpg"]


def test_what_embedding_writes_can_be_copied_line_by_line(tmp_path: Path) -> None:
    failures = {
        "b" * 64: PhotographError("the decoder crashed (signal 11)", where="s3://bucket/b.jpg"),
        "a" * 64: PhotographError("it takes longer", where="/=1.jpg"),
    }
    path = tmp_path / "new" / "embed_rejects.csv"
    write_embed_rejects(failures, path)
    found = read_left_out(written(tmp_path / "left_out.csv", path.read_text()))
    assert found.image_ids == {"a" * 64: "it takes longer", "b" * 64: "the decoder crashed (signal 11)"}
    assert path.read_text().splitlines()[2] == f"s3://bucket/b.jpg,image_id,{'b' * 64},the decoder crashed (signal 11)"


def test_the_whole_file_may_be_appended(tmp_path: Path) -> None:
    more = f"{HEADER},image_id,{ID},crashes\n"
    assert read_left_out(written(tmp_path / "a.csv", HEADER + more)) == LeftOut({ID: "crashes"}, {})


def test_a_run_without_failures_leaves_no_old_list(tmp_path: Path) -> None:
    write_embed_rejects({}, written(tmp_path / "embed_rejects.csv", HEADER))
    assert not (tmp_path / "embed_rejects.csv").exists()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("image_id,reason\n", "row 1"),
        (f"{HEADER},image_id,abc,x\n", "row 2"),
        (f"{HEADER},image_id,{ID},x\n,label,1,x\n", "row 3"),
        (f"{HEADER},path,,x\n", "row 2"),
        (f"{HEADER}{ID}\n", "row 2"),
        (f'{HEADER},"path,a,x\n', ""),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(DataError) as caught:
        read_left_out(written(tmp_path / "a.csv", text))
    assert caught.value.where == f"{tmp_path / 'a.csv'} {where}".strip()
