from roadwork.report.confusion import confusion_counts, confusion_rows
from roadwork.report.palette import PAPER


def records(**counts):
    return [
        {"actual": pair.split("_")[0], "predicted": pair.split("_")[1]}
        for pair, count in counts.items()
        for _ in range(count)
    ]


def test_images_are_counted_by_label_and_decision():
    found = confusion_counts(records(none_none=3, none_roadwork=1, roadwork_roadwork=2))
    assert found == {
        ("none", "none"): 3, ("none", "roadwork"): 1, ("roadwork", "none"): 0, ("roadwork", "roadwork"): 2,
    }  # fmt: skip


def test_shares_are_of_the_label():
    none, roadwork = confusion_rows(records(none_none=3, none_roadwork=1, roadwork_roadwork=2))
    assert (none.label, roadwork.label) == ("none", "roadwork")
    assert [(cell.images, cell.share) for cell in none.cells] == [(3, 0.75), (1, 0.25)]
    assert [(cell.images, cell.share) for cell in roadwork.cells] == [(0, 0.0), (2, 1.0)]
    assert roadwork.cells[0].fill == PAPER


def test_a_label_without_images_has_no_share():
    _, roadwork = confusion_rows(records(none_none=3))
    assert [cell.share for cell in roadwork.cells] == [None, None]
