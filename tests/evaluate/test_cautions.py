import pytest

from roadwork.evaluate.cautions import duplicate_warnings, leak_warnings


def row(mcc=0.1, null_mcc=0.0, used=True, interval=(0.05, 0.15)):
    def alone(value):
        return {"mcc": value, "mcc_ci95": list(interval) if interval else None, "n": 100}

    return {
        "used": used, "alone": alone(mcc), "null_alone": alone(null_mcc),
        "flagged": mcc >= 0.5, "null_flagged": null_mcc >= 0.5,
    }  # fmt: skip


def test_no_flag_no_sentence():
    assert leak_warnings({"flagged": [], "fields": {"gps": row(), "text": row()}}) == []


def test_one_sentence_per_flagged_field_with_what_to_do():
    fields = {"gps": row(), "weather": row(0.7), "text": row(0.99, 0.9), "scene": row(0.2, 0.6, interval=None)}
    weather, text, scene = leak_warnings({"flagged": [], "fields": fields})
    assert weather == (
        "`weather` tells the label without a look at the photograph: MCC 0.70 [0.05, 0.15]. Take it out of "
        "`metadata.fields` and train again: no score with metadata measures seeing, and the head, image only too, has "
        "learned to lean on it; the table is leak_audit.fields.weather in metrics/evaluate.json."
    )
    assert "MCC 0.99 [0.05, 0.15], and 0.90 [0.05, 0.15] by its mere presence. Take it out" in text
    assert scene.startswith("The mere presence of `scene` tells the label: MCC 0.60. Take it out")


def test_a_field_that_the_head_doesn_t_use_needs_nothing_done():
    [sentence] = leak_warnings({"flagged": ["text"], "fields": {"text": row(0.9, used=False)}})
    assert "The head doesn't use it" in sentence
    assert "Take it out" not in sentence


def duplicates(across=0, conflicts=0):
    images = {"train": 3, "val": 0, "test": 2, "holdout": 0}
    return {
        "exact": {"within_splits": 5, "across_splits": 0, "conflicting_labels": conflicts},
        "near": {"pairs": 9, "across_splits": across, "images": images},
        "cosine": 0.9,
    }


def test_duplicates_of_different_splits_are_told():
    assert duplicate_warnings(duplicates()) == []
    [sentence] = duplicate_warnings(duplicates(across=4))
    assert "4 pairs, cosine 0.9 or more (images with one: 3 of train, 2 of test)" in sentence


@pytest.mark.parametrize("across", [0, 4])
def test_two_labels_of_one_photograph_are_told(across):
    assert "2 times with two labels" in duplicate_warnings(duplicates(across, conflicts=2))[-1]
