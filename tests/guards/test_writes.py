"""Publishing is the only way to a final file: whatever else writes is named here, with its reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for package in ("roadwork", "pipeline") for path in (ROOT / package).rglob("*.py"))

DRAFTS = {"published_file", "published_folder", "published_group", "drafted"}
"""What yields a place to write to."""
METHODS = {
    "write_text", "write_bytes", "to_parquet", "to_csv", "to_json", "to_pickle", "to_feather", "to_hdf", "to_excel",
    "save_file", "savefig", "save", "savez", "savez_compressed", "savetxt", "tofile", "dump", "write_table",
    "ParquetWriter", "save_pretrained", "touch", "symlink_to", "hardlink_to", "link_to", "mknod", "mkfifo", "truncate",
    "extract", "extractall", "urlretrieve", "copy2", "copyfile", "copytree", "move", "rename", "renames", "symlink",
    "link", "create_group", "create_array", "save_array", "save_group", "open_memmap", "memmap", "NamedTemporaryFile",
    "mkstemp",
}  # fmt: skip
"""What writes, moves or links files, by the last part of its name."""

ALLOWED = {
    "roadwork/publish.py: published_folder": "publishing itself",
    "roadwork/draft.py: put_back": "a rename of a whole folder to the place it was taken from",
    "roadwork/draft.py: _new": "the draft's lock",
    "roadwork/draft.py: _locked": "the draft's lock",
    "roadwork/data/images.py: Images.path_of": "writes into the draft that ingest publishes",
    "roadwork/data/images.py: Images._linked": "writes into the draft that ingest publishes",
    "roadwork/data/sampling_picture.py: write_sampling_picture": "is given a draft by the stage",
    "roadwork/train/checkpoint.py: save_head": "is given a draft by the stage",
    "roadwork/bundle/save.py: _copy_head": "writes into the draft of the bundle",
    "pipeline/pretrain.py: _write_answers": "writes into the draft of the head",
    "roadwork/train/finished.py: copy_files": "is given a draft by the stage",
    "pipeline/finetune_folds.py: FoldTrainer._write": "writes into the draft of the result",
    "roadwork/train/work_area.py: _give_up": "a rename of a whole folder to a name that is deleted",
    "roadwork/embed/local_blocks.py: LocalBlocks.set_aside": "a rename of a whole file to a name that nobody reads",
    "roadwork/embed/claims.py: _created": "a lock, whose text only says for how long",
    "roadwork/embed/store_files.py: write_file": "writes into the draft of the store",
    "roadwork/embed/store.py: create_image_store": "is given a draft",
    "roadwork/embed/zarr_folder.py: create_array": "metadata in memory, written into the draft of the store",
    "roadwork/embed/zarr_folder.py: write_array": "writes into the draft of the store",
    "roadwork/embed/zarr_folder.py: _group_metadata": "metadata in memory, written into the draft of the store",
    "pipeline/ablation/bench.py: Bench.run": "a log, for people, in a bench that is deleted",
    "pipeline/ablation/bench.py: _copied": "a bench's copy of the project, deleted in the end",
    "pipeline/ablation/bench.py: _forget_stages": "a bench's copy of the project, deleted in the end",
}
"""Where something is written without publishing, and why it may be."""


class Write(NamedTuple):
    function: str
    line: int
    call: str


def root(node: ast.expr) -> str | None:
    """The name that an expression of a path begins with: `aside` of `(aside / "a").with_suffix(".b")`."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Starred(value=inner):
            return root(inner)
        case ast.BinOp(left=inner, op=ast.Div()):
            return root(inner)
        case ast.Call(func=ast.Name(), args=[first, *_]):
            return root(first)
        case ast.Call(func=ast.Attribute(value=inner)):
            return root(inner)
    return None


def last(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def own(node: ast.AST) -> Iterator[ast.AST]:
    """Everything in a function or module, other functions left out."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child
            yield from own(child)


def drafts(body: list[ast.AST], outer: frozenset[str]) -> frozenset[str]:
    """Names that stand for a draft, for something in one, or for a buffer in memory."""
    found = set(outer)
    for _ in range(3):
        for node in body:
            pairs: list[tuple[ast.expr, ast.expr | None]] = []
            if isinstance(node, ast.withitem):
                pairs = [(node.context_expr, node.optional_vars)]
            elif isinstance(node, ast.Assign):
                pairs = [(node.value, target) for target in node.targets]
            elif isinstance(node, ast.For):
                pairs = [(node.iter, node.target)]
            for value, target in pairs:
                if not isinstance(target, ast.Name):
                    continue
                made = last(value.func) if isinstance(value, ast.Call) else ""
                if made in DRAFTS | {"BytesIO", "StringIO"} or root(value) in found:
                    found.add(target.id)
    return frozenset(found)


def writes(call: ast.Call) -> bool:
    """Whether a call, by its name and arguments, puts something on the disk."""
    name = last(call.func)
    module = root(call.func.value) if isinstance(call.func, ast.Attribute) else None
    if name == "open":
        if module == "os":
            flags = any(flag in ast.unparse(call) for flag in ("O_WRONLY", "O_RDWR", "O_CREAT"))
            return flags and ast.unparse(call.args[0]) != "os.devnull"
        place = 0 if isinstance(call.func, ast.Attribute) and module not in {"gzip", "io", "bz2", "lzma"} else 1
        modes = [*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == "mode")]
        return any(isinstance(mode, ast.Constant) and set("wxa+") & set(str(mode.value)) for mode in modes)
    if name in {"ZipFile", "TarFile"}:
        return any(isinstance(arg, ast.Constant) and arg.value in {"w", "x", "a"} for arg in call.args[1:])
    if name == "replace":  # a text's has two arguments
        return module == "os" or (len(call.args) == 1 and not call.keywords)
    if ast.unparse(call.func) == "safetensors.numpy.save":  # gives bytes
        return False
    if name == "copy":
        return module == "shutil"
    if name in {"dump", "link", "symlink"}:
        return module in {"os", "json", "yaml"}
    return name in METHODS


def functions(node: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """The functions and classes that stand directly in `node`."""
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(child)
        else:
            found += functions(child)
    return found


def unpublished(node: ast.AST, name: str = "", outer: frozenset[str] = frozenset()) -> Iterator[Write]:
    """Calls in `node`, which is called `name`, that write to something that isn't a draft."""
    body = list(own(node))
    known = drafts(body, outer)
    for call in body:
        if isinstance(call, ast.Call) and writes(call):
            parts = [*call.args, *(word.value for word in call.keywords)]
            parts += [call.func.value] if isinstance(call.func, ast.Attribute) else []
            if not {root(part) for part in parts} & known:
                yield Write(name, call.lineno, ast.unparse(call)[:100])
    for inner in functions(node):
        yield from unpublished(inner, f"{name}.{inner.name}" if name else inner.name, known)


def imported(file: Path) -> set[str]:
    """The first parts of the names that `file` imports."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


def found_in(file: Path) -> dict[str, list[Write]]:
    found: dict[str, list[Write]] = {}
    for write in unpublished(ast.parse(file.read_text(encoding="utf-8"))):
        found.setdefault(f"{file.relative_to(ROOT)}: {write.function}", []).append(write)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_what_is_written_is_published(file: Path) -> None:
    strays = {place: writes for place, writes in found_in(file).items() if place not in ALLOWED}
    assert not strays, "publish it (roadwork.publish), or say in ALLOWED why it needn't be"


def test_dvclive_writes_in_one_place() -> None:
    """Its curves grow while one watches; DVC tracks what a finished stage has left of them."""
    users = [str(file.relative_to(ROOT)) for file in FILES if "dvclive" in imported(file)]
    assert users == ["roadwork/train/live.py"]


def test_nothing_is_allowed_that_does_not_happen() -> None:
    places = {place for file in {place.partition(":")[0] for place in ALLOWED} for place in found_in(ROOT / file)}
    assert ALLOWED.keys() <= places


STRAYS = (
    "path.write_text('x')",
    "(folder / 'a').write_bytes(b'x')",
    "open(path, 'w').write('x')",
    "open(path, mode='ab')",
    "with path.open('w', encoding='utf-8') as stream: stream.write('x')",
    "with path.open('w') as stream: json.dump(1, stream)",
    "os.open(path, os.O_WRONLY)",
    "table.to_parquet(path)",
    "save_file({}, path)",
    "np.save(path, values)",
    "picture.save(path, 'JPEG')",
    "os.replace(a, b)",
    "a.replace(b)",
    "a.rename(b)",
    "shutil.move(a, b)",
    "shutil.copy(a, b)",
    "zipfile.ZipFile(path, 'w')",
    "with published_file(path) as aside: path.write_text('x')",
    "with published_file(path) as aside: pass\ndef other(aside): Path('x').write_text('x')",
)
FINE = (
    "path.read_text()",
    "open(path)",
    "path.open('rb')",
    "text.replace('a', 'b')",
    "json.dumps(1)",
    "shutil.rmtree(path)",
    "with published_file(path) as aside: aside.write_text('x')",
    "with published_file(path) as aside, aside.open('w') as stream: json.dump(1, stream)",
    "with published_folder(path) as folder:\n  inner = folder / 'a'\n  save_file({}, inner / 'b')",
    "with published_folder(path) as folder:\n  def write(): (folder / 'a').write_text('x')",
    "stream = io.BytesIO()\npicture.save(stream, 'JPEG')",
)


@pytest.mark.parametrize("code", STRAYS)
def test_the_guard_sees(code: str) -> None:
    assert len(list(unpublished(ast.parse(code)))) >= 1


@pytest.mark.parametrize("code", FINE)
def test_the_guard_lets_pass(code: str) -> None:
    assert list(unpublished(ast.parse(code))) == []
