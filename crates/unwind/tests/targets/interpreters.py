"""Runs one function in the main interpreter and one in another, each in a thread, both busy for ever.

Prints, as READY, the ids of the two interpreters.
"""

import json
import threading

SOURCE = """
def in_another():
    while True:
        pass

in_another()
"""

try:
    from concurrent import interpreters  # 3.14

    another = interpreters.create()
    number, run = another.id, lambda: another.exec(SOURCE)
except ImportError:
    try:
        import _interpreters  # 3.13

        number = _interpreters.create()
        run = lambda: _interpreters.exec(number, SOURCE)
    except ImportError:
        import _xxsubinterpreters  # 3.12

        number = _xxsubinterpreters.create()
        run = lambda: _xxsubinterpreters.run_string(number, SOURCE)


def in_main():
    while True:
        pass


threading.Thread(target=run, daemon=True).start()
print("READY", json.dumps([0, int(number)]), flush=True)
in_main()
