"""Shares of CPU by path, and how far a profile's are from the truth.

A path is function names from caller to callee; a stack belongs to it if it holds them all in this
order. What belongs to none is ``other``, in the truth (gunicorn, an event loop) as in a profile (a
stack without its logical caller). Pure functions over plain data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from measure import NotMeasured

CallPath = tuple[str, ...]
OTHER: CallPath = ("other",)
# Values by stack, names without modules and classes, root first.
Profile = Counter[CallPath]
Truth = Counter[CallPath]


def truth_of(used: Mapping[str, int]) -> Truth:
    """From a ledger's answer: paths are texts there."""
    return Counter({tuple(path.split(";")): value for path, value in used.items()})


def plain_name(name: str) -> str:
    """The function's own name: ``module.Class.name`` and ``outer.<locals>.name`` are ``name``."""
    return name.rpartition(".")[2]


def holds(stack: CallPath, path: CallPath) -> bool:
    names = iter(stack)
    return all(name in names for name in path)


def by_path(profile: Profile, paths: Iterable[CallPath]) -> Counter[CallPath]:
    known = [path for path in paths if path != OTHER]
    found: Counter[CallPath] = Counter()
    for stack, value in profile.items():
        found[next((path for path in known if holds(stack, path)), OTHER)] += value
    return found


def by_function(truth: Truth) -> Truth:
    """The same truth without callers: what a profile of functions alone can know."""
    functions: Truth = Counter()
    for path, value in truth.items():
        functions[path[-1:]] += value
    return functions


def shares(values: Counter[CallPath]) -> dict[CallPath, float]:
    total = sum(values.values())
    if total <= 0:
        raise NotMeasured("it reported nothing")
    return {path: 100 * value / total for path, value in values.items()}


def differences(truth: Truth, profile: Profile) -> dict[CallPath, float]:
    """Reported minus true share of every path, in points."""
    true, reported = shares(truth), shares(by_path(profile, truth))
    return {path: reported.get(path, 0.0) - true.get(path, 0.0) for path in {*true, *reported}}


def distance(truth: Truth, profile: Profile) -> float:
    """Total variation distance in percent, 0 to 100."""
    return sum(abs(points) for points in differences(truth, profile).values()) / 2
