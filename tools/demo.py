"""`make demo`: the product on the example shop, from nothing to a page with a flamegraph.

Starts `pyrometer serve` on a store of its own, the shop under gunicorn with four workers through
`pyrometer run`, and the load driver. Prints the address to open and, every few seconds, the hottest
functions. Ctrl-C, or the end of `--seconds`, stops everything that it started.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
SHOP = ROOT / "examples" / "shop"
CPU = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"
TABLE_EVERY_SECONDS = 5
ROWS = 12


class StepFailed(Exception):
    """A step of the demo failed: what, and what to do."""


class Demo:
    """The processes of one demo, in the order in which they were started."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.address = address
        self.started: list[tuple[str, subprocess.Popen[bytes], Path]] = []
        self.environment = {**os.environ, "PYROMETER_DIR": str(folder / "sockets")}

    def start(self, name: str, command: list[str], **options: object) -> None:
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=output, env=self.environment, start_new_session=True, **options
            )
        self.started.append((name, process, log))

    def check(self) -> None:
        """Raises when something that should run has ended."""
        for name, process, log in self.started:
            if process.poll() is not None and name != "load":
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
                raise StepFailed(f"{name} ended with exit code {process.returncode}:\n{tail}")

    def stop(self) -> None:
        for _, process, _ in reversed(self.started):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ask(self, path: str, **parameters: str) -> dict:
        url = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)


def free_port(wanted: int) -> int:
    """``wanted`` if nobody has it, else any other."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StepFailed("no free port on 127.0.0.1")


def wait_for(demo: Demo, url: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        demo.check()
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (OSError, urllib.error.URLError):
            if time.monotonic() > end:
                raise StepFailed(f"{url} does not answer; see {demo.folder}") from None
            time.sleep(0.1)


def say(text: str) -> None:
    print(text, flush=True)


def bring_up(demo: Demo, shop_port: int) -> None:
    python = str(BIN / "python")
    pyrometer = str(BIN / "pyrometer")
    demo.environment["SHOP_DATABASE"] = str(demo.folder / "shop.sqlite3")
    demo.environment["SHOP_BIND"] = f"127.0.0.1:{shop_port}"

    say("· seeding the shop's database")
    seeded = subprocess.run(
        [python, "manage.py", "seed"],
        cwd=SHOP,
        env=demo.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if seeded.returncode != 0:
        raise StepFailed(f"seeding failed:\n{seeded.stderr}")
    say("· starting pyrometer serve")
    listen = demo.address.removeprefix("http://")
    demo.start("serve", [pyrometer, "serve", "--data", str(demo.folder / "data"), "--listen", listen])
    wait_for(demo, f"{demo.address}/readyz", 20)
    say("· starting the shop: pyrometer run --service shop -- gunicorn, 4 workers")
    command = [pyrometer, "run", "--service", "shop", "--label", "version=demo", "--", str(BIN / "gunicorn")]
    demo.start("shop", command, cwd=SHOP)
    wait_for(demo, f"http://127.0.0.1:{shop_port}/", 30)
    say("· putting load on it")
    load = [python, "load.py", "--url", f"http://127.0.0.1:{shop_port}", "--seconds", "86400"]
    demo.start("load", load, cwd=SHOP)


def print_table(demo: Demo) -> int:
    """Prints the hottest functions of the last minute; how many there were."""
    table = demo.ask("table", type=CPU, query='{service="shop"}', **{"from": "now-60s", "until": "now"})
    workers = demo.ask("workers")["workers"]
    up = sum(worker["state"] == "up" for worker in workers)
    total = table["total"] or 1
    say(f"\n{up} workers · {table['samples']} samples · {total / 1e9:.1f} s of CPU in the last minute")
    say(f"{'self':>7} {'total':>7}  function")
    for row in table["functions"][:ROWS]:
        file = "/".join(Path(row["file"]).parts[-2:])
        own, whole = 100 * row["self"] / total, 100 * row["total"] / total
        say(f"{own:6.1f}% {whole:6.1f}%  {row['name']}  ({file}:{row['line']})")
    return len(table["functions"])


def watch(demo: Demo, seconds: float | None) -> None:
    """Prints the table until the time is over; at least once with something in it."""
    end = None if seconds is None else time.monotonic() + seconds
    seen = 0
    while end is None or time.monotonic() < end:
        time.sleep(
            TABLE_EVERY_SECONDS if end is None else max(0.1, min(TABLE_EVERY_SECONDS, end - time.monotonic()))
        )
        demo.check()
        seen = print_table(demo)
    if seen == 0:
        raise StepFailed("no samples were collected; give it at least SECONDS=20")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=None, help="end by itself after this long")
    seconds = parser.parse_args().seconds
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="pyrometer-demo-"))
    demo = Demo(folder, f"http://127.0.0.1:{free_port(7788)}")
    try:
        bring_up(demo, free_port(8000))
        say(f"\n  Open {demo.address} – the first window closes within 10 seconds.")
        say("  Ctrl-C stops everything." if seconds is None else f"  Ends by itself in {seconds:.0f} s.")
        watch(demo, seconds)
    except KeyboardInterrupt:
        say("\nstopping")
    except StepFailed as failure:
        say(f"\nfailed: {failure}\nhint: run `make build` first; the logs are in {folder}")
        demo.stop()
        return 1
    demo.stop()
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
