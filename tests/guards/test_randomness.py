"""Equal seeds give equal results: nothing draws from a generator that others share, or depends on order or clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(file for folder in ("roadwork", "pipeline") for file in (ROOT / folder).rglob("*.py"))

# Draw from PyTorch's own generator where they aren't given one.
TORCH_DRAWS = frozenset({
    "rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson",
    "rand_like", "randn_like", "randint_like",
})  # fmt: skip
DRAWS_IN_PLACE = frozenset({
    "uniform_", "normal_", "random_", "bernoulli_", "exponential_", "cauchy_", "geometric_", "log_normal_",
    "trunc_normal_", "orthogonal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_",
})  # fmt: skip
NUMPY_SEEDED = frozenset({"default_rng", "Generator", "SeedSequence", "PCG64"})
SCIKIT_LEARN_DRAWS = frozenset({"KMeans", "StratifiedGroupKFold", "HistGradientBoostingClassifier", "train_test_split"})

# Files that draw from PyTorch's own generator, and who forked and seeded it before.
FORKED = {
    "roadwork/model/projection.py": "fresh_head seeds it; build_head overwrites what is drawn",
    "roadwork/embed/random_init.py": "random_model",
}

# Files that list a folder in the file system's order, and why that reaches no result.
LISTED = {
    "pipeline/unchanged.py": "compared as a dict",
    "pipeline/verify.py": "`walk` is its own word",
    "roadwork/bundle/load.py": "compared as a set",
    "roadwork/data/sources/walk.py": "sorted entry by entry, and as a whole",
    "roadwork/draft.py": "removes what a dead process left",
    "roadwork/embed/cache.py": "removes all that match",
    "roadwork/embed/local_blocks.py": "a row is the same in whichever block it is found",
    "roadwork/embed/store_seal.py": "sorted in the next statement",
    "roadwork/embed/zarr_folder.py": "removes all that match",
    "roadwork/publish.py": "removes all that match",
    "roadwork/embed/store_files.py": "sorted by its readers",
    "roadwork/train/chunk_cache.py": "the least recently used is removed first; a copy changes no number",
    "roadwork/train/finished.py": "removes all but one",
    "roadwork/train/resume.py": "removes all but one",
    "roadwork/verify/recorded.py": "sorted in the next statement",
}

# Files that walk through a set, and why its order reaches no result.
WALKED = {
    "roadwork/views/table.py": "into a dict that is only looked up in",
}

# Files that know the time, the machine or a number that is never drawn again, and what for.
OF_THE_MOMENT = {
    "pipeline/ablation/machine.py": "the machine that the ablation's page names",
    "pipeline/ablation/side_by_side.py": "waits",
    "pipeline/doctor.py": "prints",
    "pipeline/leash.py": "waits",
    "pipeline/finetune_folds.py": "metrics/finetune_timing",
    "pipeline/pretrain.py": "metrics/timing.json",
    "roadwork/train/loop.py": "metrics/timing.json and metrics/finetune_timing",
    "roadwork/train/saving_pace.py": "how often the state is saved; no result depends on it",
    "roadwork/cluster/engine.py": "waits",
    "roadwork/cluster/joining.py": "whether a cluster's head answers",
    "roadwork/cluster/told_error.py": "names the node",
    "roadwork/cluster/watch.py": "waits",
    "roadwork/data/row.py": "dates of photographs",
    "roadwork/draft.py": "temporary names",
    "roadwork/embed/local_blocks.py": "name of a damaged block that is set aside",
    "roadwork/embed/claims.py": "names who is at work",
    "roadwork/embed/decode_workers.py": "the longest time for a photograph",
    "roadwork/embed/hub.py": "whether the hub can be reached",
    "roadwork/embed/images.py": "seconds in metrics/embed_images.json",
    "roadwork/embed/provenance.py": "the versions that made a store",
    "roadwork/embed/remote_blocks.py": "name of a damaged block that is set aside",
    "roadwork/embed/remote_claims.py": "names who is at work, and since when",
    "roadwork/embed/worklist.py": "waits",
    "roadwork/progress.py": "shown while it runs",
    "roadwork/publish.py": "temporary names",
    "roadwork/stopping.py": "waits",
    "roadwork/storage/objects.py": "when an object was written, by its store",
    "roadwork/storage/patience.py": "waits",
}


@lru_cache(maxsize=1)
def trees() -> dict[str, ast.Module]:
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text(encoding="utf-8")) for file in FILES}


def dotted(node: ast.expr) -> str:
    """A name such as `np.random.rand` or `torch.Generator().manual_seed`."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{dotted(node.func)}()"
    return node.id if isinstance(node, ast.Name) else "?"


def calls(node: ast.AST, around: tuple[ast.AST, ...] = ()) -> Iterator[tuple[ast.Call, tuple[ast.AST, ...]]]:
    """Every call, and what it stands in, innermost first."""
    if isinstance(node, ast.Call):
        yield node, around
    for child in ast.iter_child_nodes(node):
        yield from calls(child, (node, *around))


def shared_draws(file: str, tree: ast.Module) -> Iterator[str]:
    """Draws from generators of Python, NumPy, PyTorch or scikit-learn that no seed of the run determines."""
    for call, around in calls(tree):
        name = dotted(call.func)
        last = name.rpartition(".")[2]
        arguments = {keyword.arg for keyword in call.keywords}
        place = f"{file}:{call.lineno} {name}"
        of_numpy = name.startswith(("np.random.", "numpy.random.")) and "(" not in name
        if of_numpy and last not in NUMPY_SEEDED:
            yield place
        if (of_numpy or name in ("default_rng", "random.Random")) and not call.args and not arguments:
            yield f"{place}: without a seed"
        if name.startswith("random.") and "(" not in name and name != "random.Random":
            yield place
        if name.startswith("torch.") and last in TORCH_DRAWS and "generator" not in arguments:
            yield place
        if last in DRAWS_IN_PLACE and "generator" not in arguments and file not in FORKED:
            yield place
        if last in SCIKIT_LEARN_DRAWS and "random_state" not in arguments:
            yield place
        if last == "manual_seed" and not name.startswith("torch.Generator()"):
            managers = [ast.unparse(item) for node in around if isinstance(node, ast.With) for item in node.items]
            if not any("fork_rng" in manager for manager in managers):
                yield f"{place}: outside of fork_rng"


def unsorted_listings(file: str, tree: ast.Module) -> Iterator[str]:
    """Listings of folders whose order somebody sees."""
    blind = ("sorted", "any", "all", "sum", "max", "min", "set", "frozenset", "len")
    for call, around in calls(tree):
        name = dotted(call.func)
        listing = name.rpartition(".")[2] in ("glob", "rglob", "iglob", "iterdir", "listdir", "scandir", "walk")
        if not listing or name == "ast.walk" or file in LISTED:
            continue
        unseen = any(
            isinstance(node, ast.SetComp) or (isinstance(node, ast.Call) and dotted(node.func) in blind)
            for node in around
        )
        if not unseen:
            yield f"{file}:{call.lineno} {name}"


def walked_sets(file: str, tree: ast.Module) -> Iterator[str]:
    """Sets that are walked through: of strings, they come in another order in each process."""
    for node in ast.walk(tree):
        walked: list[ast.expr] = []
        if isinstance(node, ast.For):
            walked = [node.iter]
        elif isinstance(node, ast.ListComp | ast.DictComp | ast.GeneratorExp):
            walked = [generator.iter for generator in node.generators]
        elif isinstance(node, ast.Call) and dotted(node.func) in ("list", "tuple", "enumerate", "iter", "next"):
            walked = node.args[:1]
        for each in walked:
            called = isinstance(each, ast.Call) and dotted(each.func) in ("set", "frozenset")
            if (called or isinstance(each, ast.Set | ast.SetComp)) and file not in WALKED:
                yield f"{file}:{each.lineno} {ast.unparse(each)}"


def moments(file: str, tree: ast.Module) -> Iterator[str]:
    """Modules that know the time or the machine."""
    known = {"time", "datetime", "uuid", "socket", "getpass", "platform", "secrets"}
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name.split(".")[0] in known and file not in OF_THE_MOMENT:
                yield f"{file} {name}"


RULES = (shared_draws, unsorted_listings, walked_sets, moments)


def test_each_rule_sees_what_it_is_for() -> None:
    broken = {
        shared_draws: [
            "np.random.rand(3)", "default_rng()", "np.random.default_rng()", "random.shuffle(a)", "random.Random()",
            "torch.randn(3)", "torch.manual_seed(1)", "w.normal_()", "KMeans(3)", "torch.cuda.manual_seed(1)",
        ],
        unsorted_listings: ["list(p.glob('*'))", "[x for x in p.iterdir()]", "for x in os.scandir(p): pass"],
        walked_sets: ["for x in set(a): pass", "[x for x in {1, 2}]", "list(set(a))", "{x: 1 for x in set(a)}"],
        moments: ["import time", "from uuid import uuid4", "import os, socket"],
    }  # fmt: skip
    fine = {
        shared_draws: [
            "np.random.default_rng(seed).choice(3)", "torch.randn(3, generator=g)", "random.Random(1).random()",
            "with torch.random.fork_rng(devices=[]):\n  torch.manual_seed(1)", "torch.Generator().manual_seed(1)",
        ],
        unsorted_listings: ["sorted(p.glob('*'))", "{x for x in p.iterdir()}", "ast.walk(t)"],
        walked_sets: ["sorted(set(a))", "{x for x in set(a)}", "3 in set(a)", "list(dict.fromkeys(a))"],
        moments: ["import os"],
    }  # fmt: skip
    for rule in RULES:
        assert all(list(rule("f.py", ast.parse(source))) for source in broken[rule]), rule
        assert not any(list(rule("f.py", ast.parse(source))) for source in fine[rule]), rule


def test_no_shared_generator_is_drawn_from() -> None:
    assert [fault for file, tree in trees().items() for fault in shared_draws(file, tree)] == []


def test_listings_of_folders_are_sorted() -> None:
    assert [fault for file, tree in trees().items() for fault in unsorted_listings(file, tree)] == []


def test_no_set_is_walked_through() -> None:
    assert [fault for file, tree in trees().items() for fault in walked_sets(file, tree)] == []


def test_the_time_and_the_machine_are_known_where_they_must_be() -> None:
    assert [fault for file, tree in trees().items() for fault in moments(file, tree)] == []


def test_float16_is_only_ever_a_checked_cast() -> None:
    """An unchecked one turns what is too large into infinity."""
    casts = []
    for file, tree in trees().items():
        for call, _ in calls(tree):
            name, arguments = dotted(call.func), [ast.unparse(argument) for argument in call.args]
            half = {"np.float16", "torch.float16", "torch.half", "'float16'", "numpy.float16"} & set(arguments)
            if name.endswith(".half") or (name.rpartition(".")[2] in ("astype", "to", "type") and half):
                casts.append(file)
    assert casts == ["roadwork/embed/half.py"]
