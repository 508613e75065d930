"""Claims: seen by others while their process lives, void and removed when it is dead, gone after a clean end."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from roadwork.embed.claims import LocalClaim, living_claims


def held(folder: Path, but: str = "") -> list[set[str]]:
    return [set(claim.image_ids) for claim in living_claims(folder, but=but)]


def test_others_see_exactly_what_is_held_now(tmp_path: Path) -> None:
    claim = LocalClaim(tmp_path)
    assert held(tmp_path) == []
    claim.hold(["a", "b", "c"])
    assert held(tmp_path) == [{"a", "b", "c"}]
    claim.hold(["d"])
    assert held(tmp_path) == [{"d"}]
    claim.hold([])
    assert held(tmp_path) == [set()]
    assert held(tmp_path, but=claim.name) == []
    claim.release()
    assert list(tmp_path.iterdir()) == []


def test_several_claims_stand_side_by_side(tmp_path: Path) -> None:
    one, other = LocalClaim(tmp_path), LocalClaim(tmp_path)
    one.hold(["a"])
    other.hold(["b"])
    assert sorted(map(sorted, held(tmp_path))) == [["a"], ["b"]]
    assert held(tmp_path, but=one.name) == [{"b"}]
    one.release()
    assert held(tmp_path) == [{"b"}]
    other.release()
    assert list(tmp_path.iterdir()) == []


def test_a_beat_shows_that_something_was_finished(tmp_path: Path) -> None:
    claim = LocalClaim(tmp_path)
    claim.hold(["a"])
    first = living_claims(tmp_path)[0]
    assert str(first.owner).startswith("process ")
    claim.beat()
    assert living_claims(tmp_path)[0].beat > first.beat
    claim.release()
    claim.beat()


def test_a_claim_whose_folder_was_deleted_is_made_anew(tmp_path: Path) -> None:
    claim = LocalClaim(tmp_path / "cache")
    claim.hold(["a"])
    shutil.rmtree(tmp_path / "cache")
    assert held(tmp_path / "cache") == []
    claim.hold(["b"])
    assert held(tmp_path / "cache") == [{"b"}]
    shutil.rmtree(tmp_path / "cache")
    claim.release()
    assert list(tmp_path.iterdir()) == []


def test_releasing_twice_or_without_a_claim_is_fine(tmp_path: Path) -> None:
    claim = LocalClaim(tmp_path)
    claim.release()
    claim.hold(["a"])
    claim.release()
    claim.release()
    assert list(tmp_path.iterdir()) == []


_HOLDER = """
import sys, time
from pathlib import Path
from roadwork.embed.claims import LocalClaim
claim = LocalClaim(Path(sys.argv[1]))
claim.hold(["a", "b"])
print("held", flush=True)
time.sleep(300)
"""


def test_the_claim_of_a_killed_process_is_void_at_once(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", _HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert held(tmp_path) == [{"a", "b"}]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list((tmp_path / "claims").iterdir()) != []
    assert held(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_claim_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "claims"
    (folder / "a folder").mkdir(parents=True)
    (folder / "link").symlink_to("nowhere")
    (folder / "left").write_text("process 1\na\n")
    assert held(tmp_path) == []
    assert not (folder / "left").exists()
