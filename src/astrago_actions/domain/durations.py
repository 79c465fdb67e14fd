"""Durations in the words people use."""

from __future__ import annotations

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def spoken(seconds: float) -> str:
    """`0.4 s`, `42 s`, `8m 42s`, `1h 02m` or `3d 4h`, rounded to what matters at that size."""
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        minutes, rest = divmod(whole, MINUTE)
        return f"{minutes}m {rest:02d}s" if rest else f"{minutes}m"
    if whole < DAY:
        hours, rest = divmod(whole, HOUR)
        return f"{hours}h {rest // MINUTE:02d}m" if rest >= MINUTE else f"{hours}h"
    days, rest = divmod(whole, DAY)
    return f"{days}d {rest // HOUR}h" if rest >= HOUR else f"{days}d"
