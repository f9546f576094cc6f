"""The size of the web app as it travels: all its scripts and styles, gzipped."""

from __future__ import annotations

import gzip

from measure import Figure
from plan import Plan
from targets import ROOT

ASSETS = ROOT / "web" / "dist" / "assets"


def measure(plan: Plan) -> list[Figure]:
    figure = Figure("web app, all JS and CSS, gzip -9", "kB", 80.0)
    files = sorted([*ASSETS.glob("*.js"), *ASSETS.glob("*.css")])
    if files:
        figure.values = [sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) / 1000]
    else:
        figure.reason = "web/dist/assets has no JS or CSS; run `make web`"
    return [figure]
