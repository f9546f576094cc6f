"""The web app in a real browser, on a live server with the shop under load.

Brings the stack up as `make demo` does and leaves the looking to the specs in web/e2e.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from stack import ROOT, eventually

sys.path.insert(0, str(ROOT / "tools"))
import demo as tool


@pytest.fixture
def shop() -> Iterator[tool.Demo]:
    """The shop under load and a server that has windows of all its workers."""
    with tempfile.TemporaryDirectory(prefix="pyrometer-e2e-") as folder:
        demo = tool.Demo(Path(folder), f"http://127.0.0.1:{tool.free_port(0)}")
        try:
            tool.bring_up(demo, tool.free_port(0))
            yield demo
        finally:
            demo.stop()


@pytest.mark.skipif(
    not (ROOT / "web" / "node_modules").exists(),
    reason="THE BROWSER TESTS DO NOT RUN: web/node_modules is missing, run `make build`",
)
def test_the_specs_of_the_web_app_pass(shop: tool.Demo) -> None:
    def seen() -> bool:
        shop.check()
        table = shop.ask("table", type=tool.CPU, query='{service="shop"}', **{"from": "now-5m"})
        return table["samples"] > 1000 and len(table["functions"]) > 50

    eventually("samples of the shop are in", seen)
    environment = {**os.environ, "PYROMETER_URL": shop.address}
    specs = ["npm", "run", "--prefix", str(ROOT / "web"), "e2e:live"]
    done = subprocess.run(specs, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
