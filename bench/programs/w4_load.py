"""The load of W4: a few connections at a time ask for the views in turn, as fast as they are answered."""

from __future__ import annotations

import itertools
import socket
import sys
import threading

AT_A_TIME = 4
VIEWS = ("/feed", "/search", "/render")


def ask(port: int, first: int) -> None:
    for view in itertools.islice(itertools.cycle(VIEWS), first, None):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(f"GET {view} HTTP/1.0\r\n\r\n".encode())
            while connection.recv(4096):
                pass


for number in range(AT_A_TIME):
    threading.Thread(target=ask, args=(int(sys.argv[1]), number), daemon=True).start()
print("{}", flush=True)
sys.stdin.read()
