"""A real training under a real limit of memory: what is streamed goes through, what is read whole does not."""

import sys
from dataclasses import replace

import pytest

from benchmarks.limited_training import Asked, Trained, train_alone, write_project
from benchmarks.row import UnequalError
from benchmarks.rows.larger_than_memory import check_limited

MIB = 2**20
IMAGES = 8_192  # 240 MiB of features
LIMIT = 400 * MIB  # 190 MiB of it go to double precision while features are standardised


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_features_that_do_not_fit_are_streamed_and_give_the_head_that_memory_gives(tmp_path) -> None:
    write_project(tmp_path, IMAGES, strip=IMAGES // 4)
    asked = Asked("auto", window_images=512, limit_bytes=LIMIT, epochs=1)
    limited = train_alone(tmp_path, asked)
    refused = train_alone(tmp_path, replace(asked, features="memory"))
    free = train_alone(tmp_path, replace(asked, features="memory", limit_bytes=None))
    check_limited(limited, refused, free)
    assert limited.weights_sha256 == free.weights_sha256


GOOD = Trained(None, mcc=0.5, weights_sha256="a", told="1 GiB of features are streamed from the disk")


@pytest.mark.parametrize(
    ("limited", "refused", "free", "message"),
    [
        (GOOD, GOOD, GOOD, "limits nothing"),
        (replace(GOOD, told=""), Trained("MemoryError"), GOOD, "nothing says"),
        (Trained("MemoryError"), Trained("MemoryError"), GOOD, "failed under the limit"),
        (GOOD, Trained("MemoryError"), replace(GOOD, weights_sha256="b"), "isn't the one"),
    ],
)
def test_what_would_make_the_figures_worthless_is_refused(limited, refused, free, message) -> None:
    with pytest.raises(UnequalError, match=message):
        check_limited(limited, refused, free)


def test_a_good_run_is_let_pass() -> None:
    check_limited(GOOD, Trained("MemoryError"), GOOD)
