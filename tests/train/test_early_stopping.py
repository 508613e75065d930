from roadwork.train.early_stopping import Score, best_index, should_stop


def scores(*mccs):
    return [Score(mcc, 1.0) for mcc in mccs]


def test_the_highest_mcc_wins():
    assert best_index([Score(0.5, 0.1), Score(0.7, 0.9), Score(0.6, 0.2)]) == 1


def test_a_lower_loss_decides_between_equal_mcc():
    assert best_index([Score(0.7, 0.3), Score(0.7, 0.2), Score(0.7, 0.25)]) == 1


def test_complete_ties_go_to_the_earliest():
    assert best_index(scores(0.1, 0.7, 0.7)) == 1


def test_stops_after_patience_epochs_without_a_better_one():
    assert not should_stop([], 2)
    assert not should_stop(scores(0.5, 0.4), 2)
    assert should_stop(scores(0.5, 0.4, 0.5), 2)
    assert not should_stop(scores(0.5, 0.4, 0.6), 2)


def test_a_lower_loss_at_the_same_mcc_is_progress():
    assert not should_stop([Score(0.5, 0.9), Score(0.5, 0.5), Score(0.5, 0.1)], 2)
    assert should_stop([Score(0.5, 0.1), Score(0.5, 0.5), Score(0.5, 0.2)], 2)
    assert should_stop([Score(0.5, 0.9), Score(0.4, 0.1), Score(0.4, 0.0)], 2)
