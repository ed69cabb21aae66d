"""Let an iterator work in a thread of its own, a few items ahead of whoever consumes it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

Item = TypeVar("Item")


class _Done:
    """Marks the end of the line."""


def ahead(items: Iterator[Item], *, depth: int = 2) -> Generator[Item, None, None]:
    """Run an iterator in a thread that stays at most ``depth`` items ahead.

    Its errors come out here. When the consumer stops early, the thread ends after the item that it works on.

    Args:
        items: consumed in the thread, and by nobody else.
        depth: how many finished items may wait; it bounds the memory.
    """
    line: queue.Queue[Item | _Done | BaseException] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def put(item: Item | _Done | BaseException) -> bool:
        while not stopped.is_set():
            try:
                line.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(_Done())
        except BaseException as error:  # Whatever it is, it belongs to the consumer
            put(error)

    thread = threading.Thread(target=work, daemon=True, name="emo-ahead")
    thread.start()
    try:
        while not isinstance(item := line.get(), _Done):
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
