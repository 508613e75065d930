import pytest

from roadwork.train.residency import available_memory, kept_in_memory

GIB = 2**30


def test_what_is_asked_for_is_done():
    assert kept_in_memory(10**15, "memory", available_bytes=0)
    assert not kept_in_memory(1, "stream", available_bytes=10**15)


def test_auto_goes_by_what_fits_and_says_when_it_does_not(capsys):
    assert kept_in_memory(3 * GIB, "auto", available_bytes=8 * GIB)
    assert capsys.readouterr().err == ""
    assert not kept_in_memory(3 * GIB, "auto", available_bytes=7 * GIB)
    assert "3.0 GiB of features are streamed from the disk: 7.0 GiB of memory are available" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("limit", "used", "parts"),
    [
        ("memory.max", "memory.current", "memory.stat"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
    ],
)
def test_a_container_limits_it_and_files_it_may_drop_count_as_free(tmp_path, limit, used, parts):
    (tmp_path / limit).parent.mkdir(exist_ok=True)
    (tmp_path / limit).write_text(f"{10 * 2**20}\n")
    (tmp_path / used).write_text(f"{7 * 2**20}\n")
    (tmp_path / parts).write_text(f"anon 5\ninactive_file {2 * 2**20}\n")
    assert available_memory(tmp_path) == 5 * 2**20


def test_a_container_without_a_limit_limits_nothing(tmp_path):
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1\n")
    (tmp_path / "memory.stat").write_text("anon 1\n")
    assert available_memory(tmp_path) > 2**20
