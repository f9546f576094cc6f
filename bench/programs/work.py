"""A fixed amount of CPU-bound work, timed by itself: wall time and CPU time of its own thread.

A target of measurement: it knows no profiler. Calls, objects, dictionaries and C functions in about
the mixture of a web request. It warms up, works, prints ``{"wall_ns", "cpu_ns"}``, and ends.
"""

from __future__ import annotations

import argparse
import json
import time

DOCUMENT = json.dumps({str(n): {"price": n, "words": ["steel", "knife", str(n)]} for n in range(60)})


class Product:
    def __init__(self, number: int, price: int) -> None:
        self.number = number
        self.price = price

    def taxed(self) -> int:
        return self.price + self.price * 19 // 100


def fibonacci(n: int) -> int:
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def one_unit() -> int:
    catalogue = json.loads(DOCUMENT)
    products = [Product(int(number), entry["price"]) for number, entry in catalogue.items()]
    products.sort(key=lambda product: -product.taxed())
    page = ", ".join(f"{product.number}: {product.taxed()}" for product in products)
    return len(page) + fibonacci(11)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("units", type=int)
    units = parser.parse_args().units
    for _ in range(units // 10):
        one_unit()
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    for _ in range(units):
        one_unit()
    spent = {"wall_ns": time.perf_counter_ns() - wall, "cpu_ns": time.thread_time_ns() - cpu}
    print(json.dumps(spent), flush=True)


main()
