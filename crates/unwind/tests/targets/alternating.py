"""Calls in a tight loop: a only ever calls x, b only ever calls y. Never ends.

The argument says how the calls are made. An observed a -> y or b -> x never happened.
"""

import sys


def calls():
    def x():
        return None

    def y():
        return None

    def a():
        x()

    def b():
        y()

    while True:
        a()
        b()


def generators():
    def x():
        yield 1
        yield 2

    def y():
        yield 1
        yield 2

    def a():
        for _ in x():
            pass

    def b():
        for _ in y():
            pass

    while True:
        a()
        b()


def reentry():
    def x(item):
        return item

    def y(item):
        return item

    def a():
        sorted((1, 2), key=x)

    def b():
        sorted((1, 2), key=y)

    while True:
        a()
        b()


def recursion():
    def x(depth):
        if depth:
            x(depth - 1)

    def y(depth):
        if depth:
            y(depth - 1)

    def a():
        x(20)

    def b():
        y(20)

    while True:
        a()
        b()


run = {"calls": calls, "generators": generators, "reentry": reentry, "recursion": recursion}[sys.argv[1]]
print("READY null", flush=True)
run()
