"""A WSGI application for uWSGI whose worker has a thread parked in a known function."""

import os
import sys
import threading
import time


def parked_in_the_worker():
    time.sleep(3600)


def application(environ, start_response):
    start_response("200 OK", [])
    return [b""]


threading.Thread(target=parked_in_the_worker, daemon=True).start()
sys.stdout.write("READY %d\n" % os.getpid())
sys.stdout.flush()
