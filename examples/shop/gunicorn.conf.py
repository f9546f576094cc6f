"""How gunicorn serves the shop; found by name when it starts in this folder.

Everything a demo wants to vary comes from the environment. `max_requests` stays unset, so a
worker lives until it is told to stop and its profile has no seams.
"""

import os

wsgi_app = "shop.wsgi:application"
bind = os.environ.get("SHOP_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("SHOP_WORKERS", "4"))

# "sync" handles one request at a time per worker; "gthread" handles SHOP_THREADS at a time.
worker_class = os.environ.get("SHOP_WORKER_CLASS", "sync")
if worker_class == "gthread":
    threads = int(os.environ.get("SHOP_THREADS", "4"))

loglevel = os.environ.get("SHOP_LOG_LEVEL", "warning")
control_socket_disable = True  # several demos may run as one user; nothing here is controlled
