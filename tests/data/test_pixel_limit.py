import threading

import pytest
from PIL import Image

from roadwork.data.pixel_limit import own_pixel_limit


def test_the_limit_is_lifted_and_put_back(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    with own_pixel_limit():
        assert Image.MAX_IMAGE_PIXELS is None

    def fail():
        with own_pixel_limit():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert Image.MAX_IMAGE_PIXELS == 5


def test_the_last_thread_to_leave_puts_it_back(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with own_pixel_limit():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    with own_pixel_limit():
        thread.start()
        assert entered.wait(10)
    assert Image.MAX_IMAGE_PIXELS is None
    leave.set()
    thread.join()
    assert Image.MAX_IMAGE_PIXELS == 5
