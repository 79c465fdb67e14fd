"""The same work for several components at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from astrago_actions.errors import ActionError

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_ONCE = 8


def in_parallel(
    items: Iterable[Item],
    act: Callable[[Item], Result],
    *,
    interrupt: Callable[[], None] = lambda: None,
) -> list[tuple[Item, Result | ActionError]]:
    """Each item with what `act` made of it, or the ActionError it raised; in the given order.

    One item's failure stops no other: what they did is then known. `interrupt` is called when the
    whole program is being ended, so that the work ends too.
    """
    waiting = list(items)
    if not waiting:
        return []
    with ThreadPoolExecutor(min(len(waiting), AT_ONCE)) as threads:
        futures = [threads.submit(_outcome, act, item) for item in waiting]
        try:
            wait(futures)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            interrupt()
            raise
        return [(item, future.result()) for item, future in zip(waiting, futures, strict=True)]


def _outcome(act: Callable[[Item], Result], item: Item) -> Result | ActionError:
    try:
        return act(item)
    except ActionError as error:
        return error
