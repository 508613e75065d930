"""Whatever is in `params.yaml`: either the stages that read it run, or there is one message that says what is wrong."""

from __future__ import annotations

import contextlib
import copy
import os
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from harness.tiny import STAGES, write_project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipeline.parameter_checks import check_before_stage, check_parameters
from roadwork.config import SECTIONS, read_params
from roadwork.errors import RoadworkError

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")
TREE: dict[str, Any] = read_params(ROOT / "params.yaml")

READ_BY: dict[str, tuple[tuple[str, ...], ...]] = {
    "seed": (("folds",), ("pretrain",)),
    "ingest": (("ingest",),),
    "views": (("tile",), ("embed_images",)),
    "backbone": (("embed_images",),),
    "embed": (("embed_images",),),
    "text": (("embed_text",),),
    "metadata": (("pretrain",),),
    "sampling": (("sampling",),),
    "head": (("pretrain",),),
    "loss": (("pretrain",), ("finetune", "0")),
    "train": (("sampling",), ("pretrain",)),
    "pretrain": (("pretrain",),),
    "finetune": (("folds",), ("finetune", "0")),
    "ensemble": (("ensemble",),),
    "evaluate": (("headline",), ("baselines",), ("evaluate",)),
    "report": (("report",),),
}

QUICK = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
RUNS = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of every value inside `value`."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*at, key)
        yield from places(item, (*at, key))


PLACES = list(places(TREE))

extreme = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 1, 2, 3, 2**31, 2**63 - 1, 2**63, 10**30, 10**400, -(10**30)]),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 0.5, 1e-308, 1e308, float("inf"), float("-inf"), float("nan")]),
    st.text(max_size=20),
    st.sampled_from(
        ["", "auto", "off", "3", "1e-3", "x" * 10_000, "../..", "\u0000", "\ud800", "ü\u202e\n", "~nobody/x"]
    ),
)
anything = st.recursive(
    extreme, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@st.composite
def mutated(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> tuple[dict[str, Any], list[str]]:
    """Parameters with up to three changes, and the sections that were changed."""
    params, touched = copy.deepcopy(TREE), []
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(PLACES))
        with contextlib.suppress(KeyError, IndexError, TypeError):  # an earlier change took the place away
            owner = params
            for key in place[:-1]:
                owner = owner[key]
            kind = draw(st.sampled_from(["replace", "replace", "replace", "delete", "add", "copy", "repeat"]))
            if kind == "replace":
                owner[place[-1]] = draw(values)
            elif kind == "delete":
                del owner[place[-1]]
            elif kind == "add" and isinstance(owner, dict):
                owner[draw(st.text(min_size=1, max_size=8))] = draw(values)
            elif kind == "copy":
                source: Any = params
                for key in draw(st.sampled_from(PLACES)):
                    source = source[key]
                owner[place[-1]] = copy.deepcopy(source)
            elif kind == "repeat" and isinstance(owner, list):
                owner.append(owner[place[-1]])
            touched.append(str(place[0]))
    return params, touched


@st.composite
def nudged(draw: st.DrawFn, tree: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The parameters `tree` with one or two values exchanged for others of their kind: mostly valid ones."""
    params, touched = copy.deepcopy(tree), []
    leaves = [place for place in places(tree) if not isinstance(value_at(tree, place), dict)]
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.sampled_from(leaves))
        old = value_at(tree, place)
        if isinstance(old, bool):
            new: Any = not old
        elif isinstance(old, int):
            new = draw(st.sampled_from([0, 1, 2, 3, 4, 8, 12, 16, 33]))
        elif isinstance(old, float):
            new = draw(st.sampled_from([0.0, 1e-9, 1e-3, 0.1, 0.3, 0.5, 0.7, 0.999, 1.0, 1.5, 4.0]))
        elif isinstance(old, list):
            new = draw(st.sampled_from([old[:1], old[:2], old[::-1], old + old[-1:], []]))
        else:
            new = draw(st.sampled_from(["auto", "cpu", "none", "mean", "default", "fp32", "bf16", "train", "x", None]))
        with contextlib.suppress(IndexError, KeyError, TypeError):
            value_at(params, place[:-1])[place[-1]] = new
            touched.append(str(place[0]))
    return params, touched


def value_at(tree: Any, place: tuple[str | int, ...]) -> Any:
    for key in place:
        tree = tree[key]
    return tree


def message(check: Callable[[Path], None], path: Path) -> RoadworkError | None:
    """What `check` says of the file; None where it accepts it. Anything but a RoadworkError fails the test."""
    try:
        check(path)
    except RoadworkError as error:
        return error
    return None


def judged(path: Path) -> RoadworkError | None:
    """The one message that the file gets; None where it is accepted."""
    error = message(check_parameters, path)
    first = message(check_before_stage, path)
    if error is None or first is not None:  # only the model's name and the file of its weights are looked up later
        assert str(first) == str(error) or first is None
    if error is not None:
        assert error.fix, str(error)
        assert 10 < len(str(error)) < 4000
    return error


def written(path: Path, params: Any) -> Path:
    with path.open("w", encoding="utf-8", errors="surrogatepass") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)
    return path


def check_tree(folder: Path, params: dict[str, Any], touched: list[str]) -> bool:
    """Whether the parameters are accepted; a message names the file and, within it, a section."""
    error = judged(written(folder / "params.yaml", params))
    if error is not None and len(touched) == 1:
        named = f"{error.what} {error.where}"
        unreadable = "not readable as YAML" in named
        assert unreadable or str(folder) in error.where or "params.yaml" in error.where, str(error)
        assert unreadable or any(section in named for section in SECTIONS) or "unknown parameter" in named, str(error)
    return error is None


@given(mutated(anything))
@QUICK
def test_mutated_parameters_are_valid_or_one_message(tmp_path_factory: pytest.TempPathFactory, change: Any) -> None:
    check_tree(tmp_path_factory.getbasetemp(), *change)


@pytest.mark.faults
@given(change=mutated(anything))
@LONG
def test_mutated_parameters_at_length(tmp_path_factory: pytest.TempPathFactory, tally: Any, change: Any) -> None:
    tally.add("parameter files mutated")
    tally.add("parameter files accepted", int(check_tree(tmp_path_factory.getbasetemp(), *change)))


@st.composite
def garbled(draw: st.DrawFn) -> bytes:
    """The committed file with bytes changed, cut out, put in or doubled."""
    content = bytearray(TEXT.encode())
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        kind = draw(st.sampled_from(["replace", "cut", "double", "swap"]))
        if kind == "replace":
            marks = st.sampled_from(list(b"\x00\t\r\n:-?*&!%@`'\"{}[]|>#,\xff\xc3\xef~<=")) | st.integers(0, 255)
            content[start:end] = bytes(draw(st.lists(marks, max_size=6)))
        elif kind == "cut":
            del content[start:end]
        elif kind == "double":
            content[end:end] = content[start:end]
        else:
            content[start:end] = content[start:end][::-1]
    return bytes(content)


@given(garbled())
@QUICK
def test_garbled_text_is_valid_or_one_message(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "params.yaml"
    path.write_bytes(content)
    judged(path)


@pytest.mark.faults
@given(content=garbled())
@LONG
def test_garbled_text_at_length(tmp_path_factory: pytest.TempPathFactory, tally: Any, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "params.yaml"
    path.write_bytes(content)
    tally.add("parameter files mutated")
    tally.add("parameter files accepted", int(judged(path) is None))


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

TEXTS: dict[str, tuple[str | bytes, str | None]] = {
    "as committed": (TEXT, None),
    "a byte order mark": (b"\xef\xbb\xbf" + TEXT.encode(), None),
    "line ends of Windows": (TEXT.replace("\n", "\r\n"), None),
    "off without quotes is a text in YAML 1.2": (TEXT.replace('compile: "off"', "compile: off"), None),
    "an anchor and its alias": (
        TEXT.replace("lr: 3e-4", "lr: &lr 3e-4").replace("lr: 1e-6", "lr: *lr"), None,
    ),
    "sections in another order": ("\n".join(TEXT.split("\n\n")[:1] + TEXT.split("\n\n")[:0:-1]), None),
    "a tab": (TEXT.replace("  grid", "\tgrid"), "not readable as YAML"),
    "empty": ("", "not a mapping of sections"),
    "null": ("~", "not a mapping of sections"),
    "a NUL": (TEXT.replace("Roadwork", "a\0b"), "not readable as YAML"),
    "UTF-16": (TEXT.encode("utf-16"), "isn't UTF-8"),
    "Latin-1": (TEXT.replace("title: Roadwork", "title: Straße").encode("latin-1"), "isn't UTF-8"),
    "a Python object": (
        TEXT.replace("title: Roadwork", "title: !!python/object/apply:os.system ['touch executed']"),
        "not readable as YAML",
    ),
    "a tag of its own": (TEXT.replace("title: Roadwork", "title: !x y"), "not readable as YAML"),
    "a date": (TEXT.replace("title: Roadwork", "title: 2024-01-01"), "`report.title` is a date"),
    "a set": (TEXT.replace("title: Roadwork", "title: !!set {a, b}"), "`report.title` is a set"),
    "half a character": (TEXT.replace("title: Roadwork", 'title: "\\ud800"'), "`report.title` is"),
    "a billion laughs": (BOMB, "stands for too many values"),
    "an alias of itself": ("ingest: &a [*a]\n", "stands for too many values"),
    "thousands of brackets": ("ingest: " + "[" * 20_000, "not readable as YAML"),
    "five thousand digits": (TEXT.replace("grid: 3", f"grid: {'9' * 5000}"), "not readable as YAML"),
    "as many in hexadecimal": (TEXT.replace("grid: 3", f"grid: 0x{'f' * 5000}"), "`views.grid` is a number too large"),
    "no number": (TEXT.replace("overlap: 0.25", "overlap: .nan"), "`views.overlap` is nan"),
    "infinity": (TEXT.replace("lr: 3e-4", "lr: .inf"), "`pretrain.lr` is inf"),
    "a number in quotes": (TEXT.replace("lr: 3e-4", 'lr: "3e-4"'), "`pretrain.lr` is '3e-4'"),
    "off of YAML 1.1": (
        "%YAML 1.1\n---\n" + TEXT.replace('compile: "off"', "compile: off"), "`train.compile` is False",
    ),
    "a number as a key": (TEXT.replace("grid: 3", "grid: 3\n  1: 2"), "`views` has the key 1"),
    "two documents": (f"{TEXT}---\n{TEXT}", "not readable as YAML"),
    "a section twice": (TEXT + "\nseed: 3\n", "duplicate key"),
    "a key twice": (TEXT.replace("grid: 3", "grid: 3\n  grid: 4"), "duplicate key"),
    "an unknown key": (TEXT.replace("grid: 3", "gird: 3"), "did you mean `views.grid`?"),
    "half a megabyte": (TEXT + "#" * 500_000, "too large"),
    "a billion channels": (TEXT.replace("{dim: 512", "{dim: 1000000000"), "`head.projection.dim` is 1000000000"),
    "wide and deep": (
        TEXT.replace("{dim: 512", "{dim: 4096").replace("layers: 4,", "layers: 64,"), "attention.layers",
    ),
    "too many pixels": (TEXT.replace("grid: 3", "grid: 16").replace("size_px: 224", "size_px: 4096"), "in memory"),
    "more members than folds": (TEXT.replace("members: 3", "members: 6"), "finetune.folds lists 5 folds"),
    "two folds, three members": (TEXT.replace("folds: [0, 1, 2, 3, 4]", "folds: [0, 1]"), "ensemble.members"),
    "more views kept than there are": (TEXT.replace("grid: 3", "grid: 1"), "an image has 4 views"),
    "heads that don't divide": (TEXT.replace("heads: 8, gate: ", "heads: 7, gate: "), "must be a multiple"),
    "another width of sentences": (TEXT.replace("text_dim: 384", "text_dim: 256"), "sentence vectors have 384"),
    "a bad value of the last stages": (TEXT.replace("resamples: 2000", "resamples: 1"), "`evaluate.resamples` is 1"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::ruamel.yaml.error.MantissaNoDotYAML1_1Warning")
@pytest.mark.parametrize(("content", "says"), TEXTS.values(), ids=TEXTS.keys())
def test_a_text(content: str | bytes, says: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "params.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    error = judged(path)
    assert (error is None) == (says is None), str(error)
    assert says is None or says in str(error)
    assert not (tmp_path / "executed").exists()


def test_what_lies_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    assert "there is no parameter file" in str(judged(path))
    path.mkdir()
    assert "a folder lies where" in str(judged(path))
    path.rmdir()
    os.mkfifo(path)
    assert "there is no parameter file" in str(judged(path))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny project in which every stage has run, and its cache."""
    folder = tmp_path_factory.mktemp("finished")
    write_project(folder / "project")
    with contextlib.chdir(folder / "project"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROADWORK_CACHE", str(folder / "cache"))
        for stage in STAGES:
            run_stage(stage)
    return folder


def run_stage(stage: tuple[str, ...]) -> None:
    """The stage in this process, in the current folder, on its `params.yaml`."""
    name, *arguments = stage
    import_module(f"pipeline.{name}").run(*map(int, arguments))


def run_readers(finished: Path, folder: Path, params: dict[str, Any], sections: list[str]) -> str:
    """Run what reads the changed sections, in a copy of the project; "refused", "failed" (in one message) or "ran"."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(finished, folder, symlinks=True)
    written(folder / "project" / "params.yaml", params)
    stages = dict.fromkeys(stage for section in sections for stage in READ_BY.get(section, ()))
    with contextlib.chdir(folder / "project"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROADWORK_CACHE", str(folder / "cache"))
        try:
            check_parameters(Path("params.yaml"))
        except RoadworkError:
            return "refused"
        if params["train"]["compile"] != "off":
            return "refused"  # minutes of compilation, of which other tests tell
        try:
            for stage in stages:
                run_stage(stage)
        except RoadworkError:
            return "failed"
    return "ran"


@pytest.mark.faults
def test_what_is_accepted_runs(
    finished: Path, tmp_path_factory: pytest.TempPathFactory, tally: Any, one_thread: None
) -> None:
    tree = read_params(finished / "project" / "params.yaml")
    folder = tmp_path_factory.mktemp("mutated")

    @given(nudged(tree))
    @RUNS
    def check(change: Any) -> None:
        outcome = run_readers(finished, folder / "at", *change)
        tally.add("parameter files mutated")
        tally.add("runs on mutated parameters", int(outcome != "refused"))
        tally.add("of them ended by one message", int(outcome == "failed"))

    check()
