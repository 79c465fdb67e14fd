"""Puts the locked dependencies and this source tree on the path, then runs one action.

It is run by the composite steps as `python3 -I -S -X utf8 launch.py <action>` and uses the standard
library only, in a way that old interpreters can still read, so that they get a clear message.
"""

import os
import sys

MINIMUM = (3, 10)


def main():
    # type: () -> int
    """Run the action named on the command line; returns the exit code.

    The variable INPUTS holds secrets, so it leaves the environment before any program is started.
    """
    inputs = os.environ.pop("INPUTS", "")
    if sys.version_info < MINIMUM:
        return _error(
            "Python is too old",
            "astrago-actions needs Python 3.10 or newer; this runner's python3 is %d.%d (%s). "
            "Add actions/setup-python before this step."
            % (sys.version_info[0], sys.version_info[1], sys.executable),
        )
    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path.append(source)
    from astrago_actions.dependencies import DependenciesMissing, dependencies_folder

    try:
        packages = dependencies_folder(os.path.dirname(source))
    except DependenciesMissing as missing:
        return _error("The action's Python packages could not be installed", str(missing))
    except KeyboardInterrupt:
        print("Cancelled while the action's Python packages were installed.")
        return 130
    sys.path.append(packages)
    try:
        from astrago_actions.__main__ import run_as_step
    except ImportError as error:
        return _error(
            "The action's Python packages are damaged",
            "%s. Remove %s on the runner and run again." % (error, packages),
        )
    code = run_as_step(sys.argv[1], inputs)
    if code > 128:
        # The job was cancelled: threads that still wait for a server must not hold it up.
        sys.stdout.flush()
        os._exit(code)
    return code


def _error(title, message):
    # type: (str, str) -> int
    text = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print("::error title=" + title + "::" + text)
    return 1


if __name__ == "__main__":
    sys.exit(main())
