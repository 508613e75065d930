from roadwork.evaluate.score_table import score_table, short_table


def row(mcc, low, high, n=40, **more):
    return {"mcc": mcc, "mcc_ci95": [low, high], "n": n, "blocks": 9} | more


DIFFERENCE = {"mcc": 0.3125, "mcc_ci95": [0.1, 0.5], "mcc_probability_positive": 0.987}


def scorecard(**changes):
    card = {
        "confidence": 0.95,
        "test": {"image_only": row(0.8125, 0.7, 0.9), "with_metadata": row(0.9, 0.8, 1.0)},
        "oof": row(0.85, 0.75, 0.95, label="adapted to the test distribution"),
        "oof_with_metadata": row(0.86, 0.75, 0.95, label="adapted to the test distribution"),
        "oof_unadapted": row(0.8, 0.7, 0.95),
        "holdout": None,
        "holdout_with_metadata": None,
        "holdout_note": "not measurable on this data",
        "baselines": {
            "linear_probe_mean": row(0.5, 0.3, 0.6, difference=DIFFERENCE),
        },
    }
    return card | changes


def line(text, start):
    return next(line for line in text.splitlines() if line.startswith(start))


def test_every_row_has_its_interval_and_size():
    text = score_table(scorecard())
    assert line(text, "test, image only (headline)").split()[-4:] == ["0.812", "[0.700,", "0.900]", "40"]
    assert "adapted to the test distribution" in line(text, "out-of-fold, image only")
    assert "[95 % interval]" in text.splitlines()[0]


def test_a_missing_holdout_says_so():
    assert "not measurable on this data" in line(score_table(scorecard()), "holdout, ensemble, image only")


def test_a_baseline_shows_the_paired_difference_and_how_sure_it_is():
    found = line(score_table(scorecard()), "baseline: linear probe mean")
    assert found.split()[-6:] == ["+0.312", "[0.100,", "0.500]", "99", "%", "40"]


def test_the_head_before_fine_tuning_stands_beside_the_one_after():
    assert line(score_table(scorecard()), "out-of-fold, image only (before fine-tuning)").split()[-4] == "0.800"


def test_a_holdout_is_shown_where_there_is_one():
    text = score_table(scorecard(holdout=row(0.4, 0.2, 0.6, n=9)))
    assert line(text, "holdout, ensemble, image only").split()[-4:] == ["0.400", "[0.200,", "0.600]", "9"]


def test_a_row_without_an_interval_says_why():
    none = {"mcc_ci95": None, "label": "adapted to the test distribution"}
    single = scorecard(oof=row(0.5, 0, 0, blocks=1) | none)
    assert "[one block]" in line(score_table(single), "out-of-fold, image only")
    lacking = scorecard(oof=row(0.5, 0, 0, blocks=3) | none)
    assert "[one class in most blocks]" in line(score_table(lacking), "out-of-fold, image only")
    perfect = scorecard(oof=row(1.0, 0, 0, blocks=3) | none)
    assert "[no error to resample]" in line(score_table(perfect), "out-of-fold, image only")
    undefined = {"mcc": 0.1, "mcc_ci95": None, "mcc_probability_positive": None}
    baselines = {"majority": row(0.5, 0.3, 0.6, blocks=1, difference=undefined)}
    assert line(score_table(scorecard(baselines=baselines)), "baseline: majority").endswith(
        "+0.100 [one block]           40"
    )


def test_columns_line_up_and_other_confidences_are_named():
    card = scorecard()
    starts = {row.index("[") for row in score_table(card).splitlines() if "[0" in row}
    assert len(starts) == 1
    ninety = row(0.5, 0, 1) | {"mcc_ci90": [0.1, 0.2]}
    card |= {"confidence": 0.9, "test": {"image_only": ninety, "with_metadata": ninety}, "baselines": {}}
    card |= {"oof": ninety | {"label": "x"}, "oof_with_metadata": ninety, "oof_unadapted": ninety}
    assert "[90 % interval]" in score_table(card)
    assert "[0.100, 0.200]" in score_table(card)


def test_the_short_table_has_each_row_with_the_interval_of_its_confidence():
    rows = {"test": {"mcc": 0.5, "mcc_ci90": [0.25, 0.75], "auroc": None, "ece": 0.125, "n": 8, "blocks": 4}}
    head, _, row = short_table(rows).splitlines()
    assert "[90 % interval]" in head
    assert row.split() == ["test", "0.500", "[0.250,", "0.750]", "-", "0.125", "8"]


def test_the_short_table_says_why_an_interval_is_missing():
    rows = {"test": {"mcc": 0.5, "mcc_ci95": None, "auroc": 0.5, "ece": 0.125, "n": 8, "blocks": 1}}
    assert "[one block]" in short_table(rows)
