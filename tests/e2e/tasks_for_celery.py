"""A Celery application with one task that burns CPU; a target of test_celery.py, not a test.

Its broker is a folder, E2E_BROKER, so no server is needed.
"""

import os
import time
from pathlib import Path

from celery import Celery

FOLDER = Path(os.environ["E2E_BROKER"])
for name in ("queue", "control"):
    (FOLDER / name).mkdir(parents=True, exist_ok=True)

app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": str(FOLDER / "queue"),
    "data_folder_out": str(FOLDER / "queue"),
    "control_folder": str(FOLDER / "control"),
}


@app.task
def burn_in_a_task(milliseconds: int) -> int:
    """Runs bytecode until this thread has used so much CPU."""
    end = time.thread_time_ns() + milliseconds * 1_000_000
    turns = 0
    while time.thread_time_ns() < end:
        turns += sum(range(500))
    return turns
