"""Tests of the example shop: `python manage.py test`. A small shop is seeded once per class."""
