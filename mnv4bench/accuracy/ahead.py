"""Work handed to threads a little ahead of its use, its results in order.

Knows: threads. Does not know: what the work is.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

# Results that may wait for an earlier one, for each thread; enough that none stands idle.
AHEAD = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(jobs: int, work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result]:
    """``work`` of each item by ``jobs`` threads; holds at most ``AHEAD`` results for each.

    Python's own ``map`` takes all items at once. Closing the iterator, or an error, leaves the
    rest undone; work that has begun is waited for.
    """
    remaining = iter(items)
    pool = ThreadPoolExecutor(jobs)
    waiting = deque[Future[Result]]()
    try:
        waiting.extend(pool.submit(work, item) for item in islice(remaining, AHEAD * jobs))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(remaining, 1))
    finally:
        pool.shutdown(cancel_futures=True)
