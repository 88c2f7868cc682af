"""The same work for many numbers, a few at a time, results as they come."""

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TypeVar

T = TypeVar("T")


def side_by_side(
    work: Callable[[int], T], count: int, workers: int, stopped: Event
) -> Iterator[tuple[int, T]]:
    """Yield (number, its result) for the numbers up to ``count``, in any order.

    The first failure is raised once the results that came before it are out. Whoever stops
    listening sets ``stopped`` free of charge: work under way is left to end by itself.

    Args:
        work: for one number; called from several threads.
        count: how many numbers.
        workers: how many are worked on at a time.
        stopped: set where no more is to be begun.
    """
    results: SimpleQueue[tuple[int, T | BaseException]] = SimpleQueue()
    numbers = iter(range(count))
    lock = Lock()

    def run() -> None:
        while not stopped.is_set():
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            try:
                results.put((number, work(number)))
            except BaseException as error:  # it belongs to whoever listens
                results.put((number, error))

    # Daemons: an interrupted command ends at once, whatever a server still owes it.
    for _ in range(min(workers, count)):
        Thread(target=run, daemon=True).start()
    try:
        for _ in range(count):
            number, result = results.get()
            if isinstance(result, BaseException):
                raise result
            yield number, result
    finally:
        stopped.set()
