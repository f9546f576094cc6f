"""How far shares of CPU time are off, where many tiny calls stand against few long ones.

The truth is what each function takes without a recorder by the thread's clock, measured before and after
each recording, so that a core that changes its speed changes it for both. Prints one line of JSON: the
bias of each function in points of share, medians over the recordings, and the worst.
"""

import json
import statistics
import time

import pyrometer

RECORDINGS = 15
ROUNDS = 8


def tiny(x):
    return x + 1


def many_calls():
    for i in range(4000):
        tiny(i)


def numbers(n):
    for i in range(n):
        yield i + 1


def many_resumptions():
    for _ in numbers(4000):
        pass


class Cart:
    def price(self, amount, rate=2):
        return amount


def many_methods():
    cart = Cart()
    for i in range(4000):
        cart.price(i, rate=3)


def long_loop():
    total = 0
    for i in range(6000):
        total += i * i % 7


WORK = (many_calls, many_resumptions, many_methods, long_loop)


def shares(values):
    whole = sum(values.values())
    return {name: 100 * value / whole for name, value in values.items()}


def by_the_clock():
    took = {}
    for function in WORK:
        start = time.thread_time_ns()
        function()
        took[function.__name__] = time.thread_time_ns() - start
    return shares(took)


def truth():
    rounds = [by_the_clock() for _ in range(ROUNDS)]
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def recorded():
    with pyrometer.calls() as p:
        for _ in range(2 * ROUNDS):
            for function in WORK:
                function()
    tree = p.tree
    return shares({function.__name__: tree.find(function.__name__).total for function in WORK})


def main():
    off = {function.__name__: [] for function in WORK}
    for _ in range(RECORDINGS):
        before, found, after = truth(), recorded(), truth()
        for name, values in off.items():
            values.append(found[name] - (before[name] + after[name]) / 2)
    medians = {name: round(statistics.median(values), 2) for name, values in off.items()}
    print(json.dumps({"bias": medians, "worst": max(map(abs, medians.values()))}))


main()
