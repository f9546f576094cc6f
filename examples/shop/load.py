#!/usr/bin/env python3
"""Sends the shop a steady, repeatable load, and says how it was answered.

Needs nothing but Python. The load is an open loop: request number n is due n / rate seconds
after the start, however slow the answers are, and latency counts from when it was due. So a
shop that falls behind shows it. What number n asks for depends on nothing but the options. No
request begins after the last second; those that were due by then are counted as unsent.

    python load.py --seconds 60 --rate 60 --mix all

Exit code: 0 done, 1 more than 1 % of the requests failed or the shop is not there, 2 usage.
"""

import argparse
import http.client
import json
import math
import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import quote, urlencode, urlsplit

TIMEOUT_SECONDS = 30
PROGRESS_SECONDS = 5
ERROR_LIMIT = 0.01
WORDS = (
    "copper saucepan", "steel knife", "oak shelf", "wool blanket", "folding tent", "tea",
    "creme de marrons", "quiet coffee grinder for small kitchens", "brass lamp", "sturdy",
    "clay pot", "linen bed sheet", "pencil", "lanten", "granite harbour", "waterproof rucksack",
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    path: str
    form: dict[str, str] | None = None
    body: dict | None = None


@dataclass(frozen=True)
class Catalogue:
    """What there is to ask for, read from the shop's API at the start."""

    shelves: list[str]
    skus: list[str]
    pages: list[str]


class Browser:
    """One visitor: sends requests, each on a new connection, and keeps the cookies."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"not an http:// address: {url}")
        self.host, self.port = parts.hostname, parts.port or 80
        self.cookies: dict[str, str] = {}

    def send(self, request: Request) -> tuple[int, bytes]:
        headers = {"Connection": "close"}
        body = None
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if request.form is not None:
            body = urlencode(request.form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["X-CSRFToken"] = self.cookies.get("csrftoken", "")
        elif request.body is not None:
            body = json.dumps(request.body)
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET" if body is None else "POST", request.path, body, headers)
            response = connection.getresponse()
            for line in response.headers.get_all("Set-Cookie") or ():
                self.cookies |= {key: morsel.value for key, morsel in SimpleCookie(line).items()}
            return response.status, response.read()
        finally:
            connection.close()

    def json(self, path: str) -> dict:
        status, answer = self.send(Request(path))
        if status != 200:
            raise OSError(f"{path} answered {status}")
        return json.loads(answer)


def read_catalogue(browser: Browser) -> Catalogue:
    shelves = [shelf["slug"] for shelf in browser.json("/api/categories/")["results"]]
    products: list[dict] = []
    path = "/api/products/?page_size=100"
    while path and len(products) < 500:
        page = browser.json(path)
        products += page["results"]
        path = page["next"]
    if not products:
        raise OSError("the shop is empty: run `manage.py seed` first")
    return Catalogue(shelves, [p["sku"] for p in products], [p["url"] for p in products])


# Journeys. Each yields the requests of one visit, in order.


def browse(rng: random.Random, shop: Catalogue) -> Iterator[Request]:
    yield Request("/")
    shelf = rng.choice(shop.shelves)
    yield Request(f"/c/{shelf}/")
    yield Request(f"/c/{shelf}/?sort={rng.choice(['price', '-price', 'new', 'stars'])}&page=2")
    for page in rng.sample(shop.pages, 3):
        yield Request(page)
    yield Request("/brands/")


def buy(rng: random.Random, shop: Catalogue) -> Iterator[Request]:
    yield Request("/cart/")  # gives the token that the forms need
    if rng.random() < 0.4:
        yield Request("/sign-in/", form={"number": f"C{rng.randint(1, 1200):06d}"})
    for at in rng.sample(range(len(shop.skus)), rng.randint(1, 3)):
        yield Request(shop.pages[at])
        pieces = str(rng.choice([1, 1, 2, 3, 10]))
        yield Request("/cart/add/", form={"sku": shop.skus[at], "quantity": pieces})
    yield Request("/cart/")
    yield Request("/checkout/?coupon=" + rng.choice(["", "WELCOME10"]))


def search(rng: random.Random, shop: Catalogue) -> Iterator[Request]:
    words = quote(rng.choice(WORDS))
    yield Request(f"/search/?q={words}")
    yield Request(f"/search/?q={words}&page=2")
    yield Request(rng.choice(shop.pages))


def api(rng: random.Random, shop: Catalogue) -> Iterator[Request]:
    yield Request(f"/api/products/?page={rng.randint(1, 60)}&page_size=40")
    yield Request(f"/api/products/?category={rng.choice(shop.shelves)}")
    for sku in rng.sample(shop.skus, 3):
        yield Request(f"/api/products/{sku}/")
    lines = [{"sku": sku, "quantity": rng.randint(1, 12)} for sku in rng.sample(shop.skus, 6)]
    yield Request("/api/quote/", body={"country": rng.choice(["DE", "FR", "SE"]), "lines": lines})
    if rng.random() < 0.2:
        yield Request(f"/feed/{rng.choice(shop.shelves)}.xml")


Journey = Callable[[random.Random, Catalogue], Iterator[Request]]
MIXES: dict[str, list[Journey]] = {
    "browse": [browse, browse, buy],
    "search": [search],
    "api": [api],
    "all": [browse, browse, buy, search, api],
}


@dataclass
class Results:
    """Shared by the sending threads; `lock` guards all of it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    latencies: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, latency: float, failure: str | None) -> None:
        with self.lock:
            self.latencies.append(latency)
            if failure:
                self.failures[failure] += 1

    def summary(self, seconds: float) -> dict:
        with self.lock:
            latencies = sorted(self.latencies)
            failures = dict(self.failures)
        cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else latencies * 99
        return {
            "requests": len(latencies),
            "errors": sum(failures.values()),
            "seconds": round(seconds, 2),
            "requests_per_second": round(len(latencies) / seconds, 2),
            "p50_ms": round(cuts[49] * 1000, 1) if cuts else None,
            "p95_ms": round(cuts[94] * 1000, 1) if cuts else None,
            "failures": failures,
        }


def send_share(
    number: int, options: argparse.Namespace, shop: Catalogue, results: Results, start: float
) -> None:
    """Sends requests `number`, `number + concurrency`, …, one visit after the other."""
    rng = random.Random(f"{options.seed}/{number}")
    journeys = MIXES[options.mix]
    tick = number
    while True:
        browser = Browser(options.url)
        for request in rng.choice(journeys)(rng, shop):
            due = start + tick / options.rate
            if due >= start + options.seconds:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            if time.monotonic() >= start + options.seconds:
                return
            failure = None
            try:
                status, _ = browser.send(request)
                if status >= 400:
                    failure = f"{status} {request.path.split('?')[0]}"
            except (OSError, http.client.HTTPException) as error:
                failure = type(error).__name__
            results.add(time.monotonic() - due, failure)
            tick += options.concurrency


def run(options: argparse.Namespace) -> dict:
    shop = read_catalogue(Browser(options.url))
    results = Results()
    start = time.monotonic()
    threads = [
        threading.Thread(target=send_share, args=(number, options, shop, results, start), daemon=True)
        for number in range(options.concurrency)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        deadline = time.monotonic() + PROGRESS_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        now = results.summary(time.monotonic() - start)
        if not options.json:
            print(line(now), flush=True)
    summary = results.summary(time.monotonic() - start)
    planned = math.ceil(options.seconds * options.rate)
    return summary | {"unsent": planned - summary["requests"]}


def line(now: dict) -> str:
    return (
        f"{now['seconds']:7.1f} s  {now['requests']} requests  "
        f"{now['requests_per_second']}/s  {now['errors']} errors  "
        f"p50 {now['p50_ms']} ms  p95 {now['p95_ms']} ms"
    )


def positive(convert: Callable[[str], float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = convert(text)
        if not 0 < value < 1e9:
            raise ValueError(text)
        return value

    parse.__name__ = "positive number"
    return parse


def main() -> int:
    parser = argparse.ArgumentParser(description="Send the shop a steady, repeatable load.")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--seconds", type=positive(float), default=60.0)
    parser.add_argument("--rate", type=positive(float), default=35.0, help="requests per second")
    parser.add_argument("--concurrency", type=positive(int), default=8, help="most at one time")
    parser.add_argument("--mix", choices=sorted(MIXES), default="all")
    parser.add_argument("--seed", type=int, default=1, help="another number, another order")
    parser.add_argument("--json", action="store_true", help="print only the summary, as JSON")
    options = parser.parse_args()
    try:
        summary = run(options)
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"error: {error}\nhint: is the shop running at {options.url}?", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    if options.json:
        print(json.dumps(summary))
    else:
        print("done", line(summary))
        if summary["unsent"]:
            print(f"  {summary['unsent']} unsent: the shop cannot answer that many")
        for failure, count in sorted(summary["failures"].items()):
            print(f"  {count} × {failure}")
    return 1 if summary["errors"] > ERROR_LIMIT * summary["requests"] else 0


if __name__ == "__main__":
    sys.exit(main())
