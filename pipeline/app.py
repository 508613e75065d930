"""The command line: every stage by its name, and the commands around them.

Nothing heavy is imported here: each command imports what it needs when it runs, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.console import explained, show
from pipeline.outcome import Outcome
from pipeline.paths import BUNDLE, DVC_YAML, PARAMS
from pipeline.stages import STAGES

app = typer.Typer(
    name="roadwork",
    help="Tell roadwork from no roadwork in street photographs.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)
cache = typer.Typer(
    name="cache", help="The embedding cache that all projects of this user share.", no_args_is_help=True
)
app.add_typer(cache)

_PRINTED = "what was printed and drawn so far stays, the other photographs weren't predicted; another run begins anew"
_UNPRINTED = "nothing was printed, overlays drawn so far stay; another run begins anew"

ParamsFile = Annotated[Path, typer.Option("--params", help="The parameter file.", show_default=True)]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout, and nothing else there.")]


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"roadwork {version('roadwork')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Tell roadwork from no roadwork in street photographs."""


def _run_stage(name: str, as_json: bool, params: Path, **arguments: Any) -> None:
    from pipeline.leash import leave_with_dvc
    from pipeline.parameter_checks import check_before_stage
    from pipeline.unchanged import declared, unchanged_code, unchanged_inputs, unchanged_params

    with explained():
        leave_with_dvc()
        recorded = declared(name, DVC_YAML)
        # Begun before the code is read: importing takes seconds.
        with unchanged_code(recorded.code), unchanged_params(params, recorded.params):
            module = import_module(f"pipeline.{name}")
            check_before_stage(params)
            if hasattr(module, "prepare"):
                module.prepare(params)
            with unchanged_inputs(recorded.data):
                result = module.run(params=params, **arguments)
    describe = getattr(module, "describe", None)
    show(result, as_json, describe(result) if describe else None)


def _add_stage(name: str, help_line: str) -> None:
    def command(params: ParamsFile = PARAMS, as_json: Json = False) -> None:
        _run_stage(name, as_json, params)

    app.command(name=name, help=help_line)(command)


def _add_finetune(name: str, help_line: str) -> None:
    def command(
        fold: Annotated[int, typer.Argument(help="The fold to predict; one of finetune.folds.")],
        params: ParamsFile = PARAMS,
        as_json: Json = False,
    ) -> None:
        _run_stage(name, as_json, params, fold=fold)

    app.command(name=name, help=help_line)(command)


for _name, _help in STAGES.items():
    (_add_finetune if _name == "finetune" else _add_stage)(_name, _help)


@app.command()
def predict(
    photographs: Annotated[list[Path], typer.Argument(help="Photographs, or folders of them.")],
    bundle: Annotated[Path, typer.Option(help="The trained bundle.")] = BUNDLE,
    params: Annotated[
        Path | None, typer.Option(help="Parameters that must agree with the bundle.  [default: params.yaml if present]")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="The backbone's weights file, where the bundle's own can't be found.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a picture of each photograph there: its views and why it was called."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print how likely each photograph shows roadwork, from the photograph alone; --json also says why."""
    results = sys.stdout  # within `explained` it is stderr

    def say(line: str) -> None:
        if not as_json:
            typer.echo(line, file=results)

    with explained(_UNPRINTED if as_json else _PRINTED):
        from pipeline.predict import run

        outcome = run(
            photographs,
            bundle=bundle,
            params=params,
            weights=weights,
            device=device,
            overlay=overlay,
            say=say,
            complain=lambda failure: typer.echo(f"error: {failure}", err=True),
            bar=as_json or not results.isatty(),  # on a terminal the lines themselves tell how far it is
        )
    if as_json:
        show(outcome.result, as_json)
    if outcome.failures:
        raise typer.Exit(1)


def _show_verdict(outcome: Outcome, as_json: bool) -> None:
    """Print what was looked at; exit code 1 where something failed."""
    show(outcome.result, as_json, outcome.text)
    if not outcome.passed:
        raise typer.Exit(1)


@app.command()
def check(params: ParamsFile = PARAMS, as_json: Json = False) -> None:
    """Run the four validation tests on this project's real data: shapes, null metadata, sampling, views."""
    with explained():
        from pipeline.check import run

        outcome = run(params)
    _show_verdict(outcome, as_json)


@app.command()
def verify(
    photographs: Annotated[
        bool, typer.Option("--photographs", help="Compare every photograph with its sha256 too; reads them all.")
    ] = False,
    params: ParamsFile = PARAMS,
    as_json: Json = False,
) -> None:
    """Tell whether what the stages left behind is whole and belongs together, and what to run again."""
    with explained():
        from pipeline.verify import run

        outcome = run(params, rehash=photographs)
    _show_verdict(outcome, as_json)


@app.command()
def doctor(params: ParamsFile = PARAMS, as_json: Json = False) -> None:
    """Tell what will work on this machine, and what to do about the rest."""
    with explained():
        from pipeline.doctor import run

        outcome = run(params)
    _show_verdict(outcome, as_json)


@app.command()
def ablate(
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each variant: train.seed 1, 2, ...")] = 3,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="How many run at a time.")] = 2,
    only: Annotated[
        list[str] | None, typer.Option(help="Run just this variant, beside the full head; may be repeated.")
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Name the variants and what's finished; run none.")] = False,
    as_json: Json = False,
) -> None:
    """Train the head without each of its parts, several times, as DVC experiments; write docs/ablation.md."""
    with explained():
        if list_only:
            from pipeline.ablation.listing import run as list_variants

            outcome = list_variants(seeds=seeds, only=only or ())
        else:
            from pipeline.ablate import run

            outcome = run(seeds=seeds, jobs=jobs, only=only or ())
    _show_verdict(outcome, as_json)


@app.command()
def scores(as_json: Json = False) -> None:
    """Print the score table of the last evaluation and where its report lies."""
    with explained():
        from pipeline.scores import run

        outcome = run()
    show(outcome.result, as_json, outcome.text)


@cache.command("info")
def cache_info(as_json: Json = False) -> None:
    """Where the cache lies, and for every fingerprint its rows and bytes."""
    with explained():
        from pipeline.cache import info

        outcome = info()
    show(outcome.result, as_json, outcome.text)


@cache.command("clear")
def cache_clear(
    fingerprint: Annotated[
        str | None, typer.Argument(help="Beginning of the fingerprint to delete.  [default: all of them]")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete cached embeddings; the next run computes them again."""
    with explained():
        from pipeline.cache import clear, question

        asked = question(fingerprint)
    if asked is not None and not yes:
        if not sys.stdin.isatty():
            typer.echo(f"error: {asked}\n  fix: answer with --yes where nobody can be asked", err=True)
            raise typer.Exit(1)
        typer.confirm(asked, abort=True, err=True)
    with explained():
        outcome = clear(fingerprint)
    show(outcome.result, as_json, outcome.text)
