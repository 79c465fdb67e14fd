"""Puts the locked dependencies and this source tree on the path, then runs one action.

It is run by the composite steps as `python3 -I -S launch.py <action>` and uses the standard
library only, in a way that old interpreters can still read, so that they get a clear message.
"""

import os
import sys

MINIMUM = (3, 10)


def main():
    # type: () -> int
    """Run the action named on the command line; returns the exit code."""
    if sys.version_info < MINIMUM:
        print(
            "::error title=Python is too old::astrago-actions needs Python 3.10 or newer; "
            "this runner's python3 is %d.%d. Add actions/setup-python before this step."
            % sys.version_info[:2]
        )
        return 1
    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path.insert(0, source)
    from astrago_actions.dependencies import DependenciesMissing, dependencies_folder

    try:
        sys.path.insert(1, dependencies_folder(os.path.dirname(source)))
    except DependenciesMissing as missing:
        text = str(missing).replace("%", "%25").replace("\r", "").replace("\n", "%0A")
        print("::error title=The action's Python packages could not be installed::" + text)
        return 1
    from astrago_actions.__main__ import run_as_step

    return run_as_step(sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())
