"""The background saver."""

from __future__ import annotations

import threading

import pytest
from PIL import Image

from modules.foundation.errors import SaveError
from modules.imaging.saver import Saver, bytes_of


def test_jobs_run_in_order_on_another_thread() -> None:
    saver = Saver()
    order: list[int] = []
    threads: set[str] = set()

    def job(number: int) -> int:
        order.append(number)
        threads.add(threading.current_thread().name)
        return number * 2

    futures = [saver.submit(lambda number=number: job(number)) for number in range(5)]
    assert [future.result() for future in futures] == [0, 2, 4, 6, 8]
    assert order == [0, 1, 2, 3, 4]
    assert threads.isdisjoint({threading.current_thread().name})
    saver.close()


def test_a_failure_is_reported_for_its_picture_alone() -> None:
    saver = Saver()

    def fail() -> None:
        raise SaveError("The disk is full.")

    bad, good = saver.submit(fail), saver.submit(lambda: "saved")
    with pytest.raises(SaveError, match="full"):
        bad.result()
    assert good.result() == "saved"
    saver.close()


def test_submitting_waits_when_too_much_is_waiting() -> None:
    saver = Saver(limit=2)
    gate, third_is_in = threading.Event(), threading.Event()

    def submit_third() -> None:
        saver.submit(lambda: None)
        third_is_in.set()

    saver.submit(gate.wait)
    saver.submit(lambda: None)
    thread = threading.Thread(target=submit_third)
    thread.start()
    assert not third_is_in.wait(0.05)
    gate.set()
    assert third_is_in.wait(10)
    thread.join()
    saver.close()


def test_closing_writes_what_is_left_and_refuses_more() -> None:
    saver = Saver()
    done: list[int] = []
    for number in range(3):
        saver.submit(lambda number=number: done.append(number))
    saver.close()
    assert done == [0, 1, 2]
    for _ in range(40):  # a refused job takes no room from the bound
        with pytest.raises(RuntimeError):
            saver.submit(lambda: None)


def test_flushing_waits_for_what_was_submitted() -> None:
    saver = Saver()
    done: list[int] = []
    saver.submit(lambda: done.append(1))
    saver.flush()
    assert done == [1]
    saver.close()


def test_submitting_waits_when_the_waiting_pictures_take_too_much_memory() -> None:
    saver = Saver(max_bytes=100)
    gate, second_is_in = threading.Event(), threading.Event()

    def submit_second() -> None:
        saver.submit(lambda: None, size=60)
        second_is_in.set()

    saver.submit(gate.wait, size=1000)  # one is let in however large it is
    thread = threading.Thread(target=submit_second)
    thread.start()
    assert not second_is_in.wait(0.05)
    gate.set()
    assert second_is_in.wait(10)
    thread.join()
    saver.close()


def test_the_memory_of_a_picture_is_that_of_its_pixels() -> None:
    sizes = [bytes_of(Image.new(mode, (10, 10))) for mode in ("L", "RGB", "RGBA", "F")]
    assert sizes == [100, 300, 400, 400]
