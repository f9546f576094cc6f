"""The inverted index: which word stands in which product, and how heavily."""

from django.db import models

from shop.catalog.models import Product

LONGEST_TERM = 40


class Posting(models.Model):
    """One word of one product. `weight` is its count, where a word of the name counts more."""

    term = models.CharField(max_length=LONGEST_TERM, db_index=True)
    product = models.ForeignKey(Product, models.CASCADE, related_name="postings")
    weight = models.PositiveSmallIntegerField()
