"""Recurses to a depth and stays there: parked, or busy at the leaf. Arguments: state, depth."""

import sys
import time


def down(depth):
    if depth > 1:
        return down(depth - 1)
    print("READY null", flush=True)
    if sys.argv[1] == "parked":
        time.sleep(3600)
    number = 0
    while True:
        number = (number + 1) % 1000


down(int(sys.argv[2]) - 1)
