from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from vidtrack.core.stages import Stages, Stopwatch


def test_items_come_out_in_order_through_a_chain() -> None:
    with Stages(Stopwatch(), depth=2) as stages:
        numbers = stages.first("count", range(50))
        squares = stages.then("square", (n * n for n in numbers))
        assert list(squares) == [n * n for n in range(50)]


def test_stages_work_at_the_same_time() -> None:
    def slowly(items: Iterator[int]) -> Iterator[int]:
        for item in items:
            time.sleep(0.02)
            yield item

    began = time.perf_counter()
    with Stages(Stopwatch()) as stages:
        first = stages.first("a", slowly(iter(range(15))))
        list(stages.then("b", slowly(stages.then("c", slowly(first)))))
    assert time.perf_counter() - began < 0.02 * 15 * 2  # one after the other: 3 times as long


def test_a_stage_never_runs_far_ahead() -> None:
    made = []

    def make() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    with Stages(Stopwatch(), depth=3) as stages:
        items = stages.first("make", make())
        assert next(items) == 0
        time.sleep(0.1)
        assert len(made) <= 1 + 3 + 1  # taken, waiting, in hand


def test_an_error_is_raised_where_items_are_taken() -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with Stages(Stopwatch()) as stages:
        items = stages.then("last", (n for n in stages.first("first", fail())))
        assert next(items) == 1
        with pytest.raises(ValueError, match="broken"):
            next(items)
        with pytest.raises(StopIteration):
            next(items)


def test_an_end_that_an_interrupt_swallowed_is_no_hang() -> None:
    with Stages(Stopwatch()) as stages:
        items = stages.first("count", range(1))
        assert next(items) == 0
        items._queue.get(timeout=10)  # type: ignore[attr-defined]
        assert list(items) == []


def test_stop_ends_the_source_and_finishes_what_is_under_way() -> None:
    done = []

    def work(items: Iterator[int]) -> Iterator[int]:
        for item in items:
            done.append(item)
            yield item

    with Stages(Stopwatch(), depth=2) as stages:
        items = stages.then("work", work(stages.first("count", iter(range(10**9)))))
        taken = [next(items) for _ in range(5)]
        stages.stop()
        taken += list(items)
    assert taken == done == list(range(len(taken)))
    assert len(taken) < 20


def test_leaving_ends_every_thread() -> None:
    before = threading.active_count()
    with pytest.raises(RuntimeError, match="enough"), Stages(Stopwatch(), depth=1) as stages:
        items = stages.then("b", (n for n in stages.first("a", iter(range(10**9)))))
        next(items)
        raise RuntimeError("enough")
    assert threading.active_count() == before


def test_time_is_counted_by_kind() -> None:
    watch = Stopwatch()
    for _ in range(3):
        with watch.lap("sleep"):
            time.sleep(0.01)
    assert watch.laps["sleep"].count == 3
    assert 0.03 <= watch.laps["sleep"].seconds < 0.3


def test_parallel_work_keeps_the_order_and_shares_the_items() -> None:
    threads, prepared = set(), []

    def square(number: int) -> int:
        threads.add(threading.current_thread().name)
        time.sleep(0.01 if number % 3 else 0.03)  # later items finish first
        return number * number

    with Stages(Stopwatch()) as stages:
        numbers = stages.first("count", range(30))
        squares = stages.parallel("square", square, numbers, 3, lambda: prepared.append(1))
        assert list(squares) == [n * n for n in range(30)]
    assert len(threads) == len(prepared) == 3


def test_parallel_work_never_runs_far_ahead_and_raises_in_order() -> None:
    begun = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 5:
            raise ValueError("broken")
        return number

    with Stages(Stopwatch(), depth=2) as stages:
        results = stages.parallel("work", work, iter(range(1000)), 3)
        assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
        with pytest.raises(ValueError, match="broken"):
            next(results)
    assert len(begun) < 20


def test_leaving_ends_parallel_work() -> None:
    before = threading.active_count()
    with Stages(Stopwatch()) as stages:
        results = stages.parallel("work", lambda n: n, iter(range(10**9)), 2)
        assert next(results) == 0
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before
