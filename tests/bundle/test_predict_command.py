"""`roadwork predict`, from the command line to what it prints and draws."""

import json

import pytest
from PIL import Image
from typer.testing import CliRunner

import roadwork.predict
from pipeline.app import app
from roadwork.stopping import Terminated

RUNNER = CliRunner()


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """Two photographs of one name in two folders, and a file that is none."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(["in/a/1.png", "in/b/1.png"]):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        Image.linear_gradient("L").convert("RGB").resize((64 + number, 48)).save(path)
    return tmp_path / "in"


def run(folder, *arguments):
    return RUNNER.invoke(app, ["predict", "--bundle", str(folder), "--device", "cpu", *map(str, arguments)])


def test_one_line_per_photograph(folder, photographs):
    done = run(folder, photographs)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line.split("  ")[2] for line in lines] == [str(photographs / name) for name in ("a/1.png", "b/1.png")]
    assert all(line.split("  ")[1] in ("roadwork", "no roadwork") for line in lines)
    assert not (photographs.parent / "out").exists()


def test_a_name_forges_no_line_and_moves_no_cursor(folder, photographs):
    (photographs / "a" / "1.png").rename(photographs / "a" / "x\n0.9999  roadwork  evil\x1b[31m.png")
    lines = run(folder, photographs).stdout.splitlines()
    assert len(lines) == 2
    assert any(line.endswith(r"x\n0.9999  roadwork  evil\x1b[31m.png") for line in lines)


def test_json_lists_the_evidence_of_each_view(folder, photographs):
    done = run(folder, photographs / "a", "--json")
    (prediction,) = json.loads(done.stdout)["predictions"]
    assert list(prediction) == ["path", "probability", "roadwork", "overlay", "views"]
    assert prediction["overlay"] is None
    assert len(prediction["views"]) == 7
    for view in prediction["views"]:
        assert list(view) == ["name", "box_px", "gate", "kept", "logit", "deletion"]
        assert (view["logit"] is None) == (view["kept"] == 0)
    assert prediction["views"][0]["box_px"] == [0, 0, 64, 48]


def test_overlay_draws_each_photograph(folder, photographs):
    done = run(folder, photographs, "--overlay", "out", "--json")
    assert done.exit_code == 0
    predictions = json.loads(done.stdout)["predictions"]
    pictures = [prediction["overlay"] for prediction in predictions]
    assert sorted(pictures) == sorted(f"out/{file.name}" for file in (photographs.parent / "out").iterdir())
    assert len(set(pictures)) == 2
    assert "overlays: 2 in out" in done.stderr
    again = run(folder, photographs, "--overlay", "out", "--json")
    assert json.loads(again.stdout) == json.loads(done.stdout)


def test_what_cannot_be_read_is_reported_and_the_rest_drawn(folder, photographs):
    (photographs / "a" / "1.png").write_bytes(b"no photograph")
    done = run(folder, photographs, "--overlay", "out")
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 1
    assert "error: the photograph can't be read" in done.stderr
    assert len([*(photographs.parent / "out").iterdir()]) == 1


def test_a_folder_that_cannot_be_made_is_an_error_before_anything_is_predicted(folder, photographs):
    done = run(folder, photographs, "--overlay", photographs / "out")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: the folder for the overlays lies in")
    assert "predicting" not in done.stderr


def test_where_nothing_can_be_read_there_is_no_folder_and_no_word_of_overlays(folder, photographs):
    (photographs / "text.jpg").write_text("no photograph")
    done = run(folder, photographs / "text.jpg", "--overlay", "out")
    assert done.exit_code == 1
    assert not (photographs.parent / "out").exists()
    assert "overlays" not in done.stderr


def test_overlays_beside_photographs_are_not_predicted_with_them(folder, photographs):
    assert run(folder, photographs / "a" / "1.png", "--overlay", photographs / "a" / "ov").exit_code == 0
    assert len([*(photographs / "a" / "ov").iterdir()]) == 1
    done = run(folder, photographs)
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("signal", "code", "word"), [(KeyboardInterrupt, 130, "interrupted"), (Terminated, 143, "terminated")]
)
@pytest.mark.parametrize("as_json", [False, True])
def test_what_was_done_before_a_signal_stays(folder, photographs, monkeypatch, signal, code, word, as_json):
    """The signal comes while the second photograph is embedded."""
    embed_views, calls = roadwork.predict.embed_views, []

    def interrupted(backbone, pixels):
        calls.append(pixels)
        if len(calls) == 2:
            raise signal
        return embed_views(backbone, pixels)

    monkeypatch.setattr(roadwork.predict, "embed_views", interrupted)
    done = run(folder, photographs, "--overlay", "out", *(["--json"] if as_json else []))
    assert done.exit_code == code
    assert [line.rsplit("/", 2)[1] for line in done.stdout.splitlines()] == ([] if as_json else ["a"])
    assert len([*(photographs.parent / "out").iterdir()]) == 1
    said = "nothing was printed, overlays drawn so far stay" if as_json else "what was printed and drawn so far stays"
    assert f"{word}: {said}" in done.stderr
    assert "another run begins anew" in done.stderr
    assert "go on" not in done.stderr
