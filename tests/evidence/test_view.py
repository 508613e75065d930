from roadwork.evidence.view import ViewEvidence, most_telling


def views(*deletions):
    return [ViewEvidence(f"v{place}", 0.5, 1.0, 0.0, deletion) for place, deletion in enumerate(deletions)]


def test_the_largest_changes_come_first_whichever_their_direction():
    assert most_telling(views(0.1, -0.4, 0.2, 0.3), 3) == [1, 3, 2]


def test_among_equal_changes_the_earlier_view_comes_first():
    assert most_telling(views(0.1, -0.2, 0.2, 0.1), 3) == [1, 2, 0]


def test_what_changes_nothing_is_not_telling():
    assert most_telling(views(0.0, 0.1, 0.0), 3) == [1]
    assert most_telling(views(0.0, -0.0), 3) == []
