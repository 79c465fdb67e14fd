"""`python -m bench.real_argocd FOLDER`: bring it up, say where it is, and end with Ctrl-C."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from bench.real_argocd.world import RealWorld


def main() -> None:
    """Run until interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with RealWorld(Path(sys.argv[1])) as world:
        print(json.dumps(world.description()), flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
