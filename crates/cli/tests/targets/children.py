"""Forks short children one after the other; each burns some CPU and says how much the kernel counted."""

import os
import sys
import time


def burn():
    end = time.process_time_ns() + 20_000_000
    while time.process_time_ns() < end:
        pass


def main():
    for _ in range(int(sys.argv[2])):
        pid = os.fork()
        if pid == 0:
            burn()
            os._exit(0)
        os.waitpid(pid, 0)
    with open(sys.argv[1], "w") as file:
        file.write(str(os.times().children_user + os.times().children_system))


main()
