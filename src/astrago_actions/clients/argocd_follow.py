"""Following several watches at once until each has its final verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from astrago_actions.clients.argocd_stream import Doorbell
from astrago_actions.clients.argocd_watch import Watch
from astrago_actions.clock import Clock

_AT_ONCE = 8
_TOLERANCE = 0.001


def follow(
    watches: Sequence[Watch],
    clock: Clock,
    bell: Doorbell,
    *,
    began: float,
    stream_lives: Callable[[str], bool],
    beat_seconds: float,
) -> Iterator[Watch | None]:
    """Yield each watch after each of its looks, and None at each heartbeat.

    Ends when all verdicts are final. `began` is the monotonic time from which looks are counted,
    `stream_lives` says whether a stream tells of changes of an application.
    Watches added to the sequence meanwhile (`list.append`) are followed too.
    """
    next_beat = clock.monotonic() + beat_seconds
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        while pending := [each for each in watches if not each.verdict.final]:
            now = clock.monotonic() - began
            due = [each for each in pending if each.next_at <= now + _TOLERANCE]
            yield from _look(due, pool, clock, began, stream_lives)
            if clock.monotonic() >= next_beat:
                next_beat = clock.monotonic() + beat_seconds
                yield None
            _wait(watches, clock, bell, began, next_beat)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _look(
    due: Sequence[Watch],
    pool: ThreadPoolExecutor,
    clock: Clock,
    began: float,
    stream_lives: Callable[[str], bool],
) -> Iterator[Watch]:
    def look(watch: Watch) -> Watch:
        watch.look(clock.monotonic() - began, stream_lives=stream_lives(watch.place.name))
        return watch

    if len(due) == 1:
        yield look(due[0])
    else:
        yield from pool.map(look, due)


def open_all(watches: Sequence[Watch]) -> None:
    """Send the first request of each, several at once."""
    if len(watches) == 1:
        watches[0].open()
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(Watch.open, watches))


def _wait(
    watches: Sequence[Watch], clock: Clock, bell: Doorbell, began: float, next_beat: float
) -> None:
    """Wait for the next look, heartbeat or ring; who was rung for is looked at soon."""
    pending = [each for each in watches if not each.verdict.final]
    if not pending:
        return
    first = min(min(each.next_at for each in pending) + began, next_beat)
    bell.wait(max(_TOLERANCE, first - clock.monotonic()))
    rung = bell.answer()
    now = clock.monotonic() - began
    for watch in pending:
        if watch.place.name in rung:
            watch.ring(now)
