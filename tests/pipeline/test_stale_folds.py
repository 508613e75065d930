from pathlib import Path

from pipeline.stale_folds import forget_other_folds


def test_only_numbers_of_other_folds_are_removed(tmp_path: Path) -> None:
    models, metrics = tmp_path / "models", tmp_path / "metrics"
    for name in ("0", "1", "2", "10", "notes"):
        (models / name).mkdir(parents=True)
        (models / name / "head.json").write_text("{}")
    metrics.mkdir()
    for name in ("0.json", "2.json", "summary.json"):
        (metrics / name).write_text("{}")
    removed = forget_other_folds([models, metrics, tmp_path / "missing"], [0, 1])
    assert removed == [models / "10", models / "2", metrics / "2.json"]
    assert sorted(path.name for path in models.iterdir()) == ["0", "1", "notes"]
    assert sorted(path.name for path in metrics.iterdir()) == ["0.json", "summary.json"]
