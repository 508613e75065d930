import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from roadwork.evaluate.field_alone import decided_alone, grouped_divisions, linear, trees

STRENGTHS = (0.01, 1.0)


@pytest.fixture
def labels():
    return np.random.default_rng(1).integers(0, 2, 300)


BLOCKS = np.arange(300) // 3


def decided(features, labels, blocks=BLOCKS, fit=None, seed=5):
    return decided_alone(fit or linear(STRENGTHS, seed), features, labels, blocks, seed)


def test_a_field_that_is_the_label_decides_everything_right(labels):
    assert np.array_equal(decided(labels[:, None].astype(float), labels), labels)
    assert np.array_equal(decided(1.0 - labels[:, None], labels), labels)


def test_no_image_is_decided_by_a_classifier_that_saw_its_block(labels):
    """Every block has a number of its own: learned by heart it is the label, across blocks it is nothing."""
    block_label = np.random.default_rng(2).integers(0, 2, 100)[BLOCKS]
    own = np.eye(100)[BLOCKS]
    assert matthews_corrcoef(block_label, decided(own, block_label, blocks=np.arange(300))) > 0.9
    assert matthews_corrcoef(block_label, decided(own, block_label)) <= 0.0


def test_divisions_are_grouped_stratified_and_cover_everything_once(labels):
    divisions = grouped_divisions(labels, BLOCKS, 5, 5)
    assert len(divisions) == 5
    assert sorted(np.concatenate([rest for _, rest in divisions])) == list(range(300))
    for train, rest in divisions:
        assert not set(BLOCKS[train]) & set(BLOCKS[rest])
        assert abs(labels[rest].mean() - labels.mean()) < 0.1


def test_a_field_that_never_varies_decides_alike_for_all(labels):
    for fit in (linear(STRENGTHS, 5), trees(5)):
        assert set(decided(np.zeros((300, 2)), labels, fit=fit)) == {1}


def test_the_rare_class_is_found_at_probability_one_half_of_a_balanced_fit():
    """Of ten images one has roadwork; a field known for 80 % of those and 20 % of the others still decides."""
    rng = np.random.default_rng(3)
    rare = (np.arange(1500) % 10 == 0).astype(int)
    known = rng.random(1500) < np.where(rare == 1, 0.8, 0.2)
    assert np.array_equal(decided(known[:, None].astype(float), rare, np.arange(1500)), known)


def test_trees_see_cities_that_no_plane_through_the_globe_parts(labels):
    """Four cities on a parallel, roadwork in every other one."""
    rng = np.random.default_rng(4)
    city = rng.integers(0, 4, 300)
    place = np.radians(np.stack([np.full(300, 48.0), 5.0 + 3.0 * city], axis=1) + rng.normal(0, 0.05, (300, 2)))
    lat, lon = place.T
    sphere = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    alternating = city % 2
    assert matthews_corrcoef(alternating, decided(sphere, alternating, np.arange(300), trees(5))) > 0.95
    assert matthews_corrcoef(alternating, decided(sphere, alternating, np.arange(300))) < 0.7


def test_the_strength_is_chosen_inside_the_training_folds(labels):
    """The label is what one column has more than the other; a fit that may hardly move never learns to subtract."""
    shared = np.random.default_rng(6).normal(0, 3, 300)
    features = np.stack([shared + labels, shared], axis=1)

    def reached(*strengths):
        return matthews_corrcoef(labels, decided(features, labels, fit=linear(strengths, 5)))

    assert reached(1e-4) < 0.4
    assert reached(1e-4, 100.0) == reached(100.0) > 0.9


def test_a_class_in_a_single_block_can_not_be_measured(labels):
    assert decided(labels[:, None].astype(float), labels, blocks=labels) is None
    assert decided(np.zeros((4, 1)), np.zeros(4, int), blocks=np.arange(4)) is None


def test_a_training_part_of_one_class_decides_that_class():
    """Two blocks, one of each class beside an image of the other in both folds at most."""
    labels = np.array([0, 0, 0, 1, 1, 1])
    blocks = np.array([0, 0, 1, 2, 2, 3])
    found = decided(labels[:, None].astype(float), labels, blocks)
    assert found is not None
    assert set(found) <= {0, 1}


def test_the_same_seed_decides_alike(labels):
    features = np.random.default_rng(7).normal(size=(300, 4))
    for fit in (linear(STRENGTHS, 5), trees(5)):
        assert np.array_equal(decided(features, labels, fit=fit), decided(features, labels, fit=fit))
    assert not np.array_equal(decided(features, labels, seed=5), decided(features, labels, seed=6))
