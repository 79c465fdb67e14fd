"""`astrago-actions sandbox`: the three servers until somebody interrupts them."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import threading
from pathlib import Path

from astrago_actions.sandbox.consumer_tree import source_root
from astrago_actions.sandbox.world import World


def run_sandbox(folder: str = "", *, examples: bool = False) -> int:
    """Serve, print one JSON line with addresses and tokens, and go on until interrupted.

    Repositories are kept below `folder`, without one in a folder that goes with the sandbox. With
    `examples` the three example repositories and their application are there from the start.
    """
    root = source_root() if examples else None
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with (
        tempfile.TemporaryDirectory(prefix="astrago-sandbox-") as temporary,
        World(Path(folder or temporary)) as world,
    ):
        if root:
            world.add_examples(root / "examples")
        sys.stdout.write(json.dumps(world.description()) + "\n")
        sys.stdout.flush()
        stopped.wait()
    return 0
