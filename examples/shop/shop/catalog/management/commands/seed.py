"""`manage.py seed`: makes the database file and fills it. A second run finds nothing to do."""

import time
from argparse import ArgumentParser

from django.core.management import call_command
from django.core.management.base import BaseCommand

from shop.seeding.generate import Scale, is_seeded, seed


class Command(BaseCommand):
    help = "Create the tables and the demo's data, the same on every machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reset", action="store_true", help="make the data anew")

    def handle(self, *, reset: bool, verbosity: int, **_: object) -> None:
        started = time.monotonic()
        call_command("migrate", verbosity=0)
        scale = Scale()
        if is_seeded(scale) and not reset:
            done = "The shop is already seeded"
        else:
            seed(scale)
            done = f"Seeded {scale.products} products in {time.monotonic() - started:.1f} s"
        if verbosity:
            self.stdout.write(f"{done}.")
