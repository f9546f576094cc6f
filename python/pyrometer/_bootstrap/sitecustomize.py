"""Starts the agent in a Python process that ``pyrometer run`` began, directly or further down; or the
recording of calls, under ``pyrometer calls``.

The command puts this folder first on PYTHONPATH, so the interpreter imports this file in
place of the user's own ``sitecustomize``. It starts the agent, takes this folder off ``sys.path``,
and imports the user's. It is written for every Python that a child process may run on, and an error
in it never reaches the program.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _start_agent():
    if sys.version_info < (3, 9) or sys.implementation.name != "cpython":
        return "this is Python %s, CPython 3.9 to 3.15 can be profiled" % sys.version.split()[0]
    from importlib.util import module_from_spec, spec_from_file_location

    # By its place, not by sys.path: the application may live in another environment.
    package = os.path.dirname(_HERE)
    spec = spec_from_file_location(
        "pyrometer", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
    )
    module = module_from_spec(spec)
    sys.modules["pyrometer"] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop("pyrometer", None)
        raise
    directory = os.environ.get("PYROMETER_CALLS_DIR")
    if directory:
        from pyrometer import _calls_run

        _calls_run.start(directory)
    else:
        module.start()
    return None


def _run_users_sitecustomize():
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
    own = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize
    except ImportError as error:
        if getattr(error, "name", None) != "sitecustomize":
            raise
        if own is not None:
            sys.modules["sitecustomize"] = own


try:
    _problem = _start_agent()
except Exception as error:
    _problem = "%s: %s" % (type(error).__name__, error)
if _problem and sys.stderr is not None:
    sys.stderr.write("pyrometer: not started: %s\n" % _problem)
_run_users_sitecustomize()
