"""The two tables that the shop's owner maintains: price rules and shipping rates."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class PriceRuleQuerySet(models.QuerySet["PriceRule"]):
    def active(self) -> "PriceRuleQuerySet":
        """Rules in force now, the most important first."""
        now = timezone.now()
        return self.filter(Q(ends=None) | Q(ends__gt=now), starts__lte=now).order_by("-priority", "id")


class PriceRule(models.Model):
    """A reduction, and the condition under which it holds.

    The condition is text, for example ``category = garden and quantity >= 3``; see `rules`.
    """

    name = models.CharField(max_length=80)
    condition = models.CharField(max_length=200)
    percent_off = models.DecimalField(max_digits=5, decimal_places=2)
    priority = models.PositiveSmallIntegerField()
    starts = models.DateTimeField()
    ends = models.DateTimeField(null=True)

    objects = PriceRuleQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class ShippingRate(models.Model):
    """What one carrier asks for a parcel up to a weight, to a country."""

    country = models.CharField(max_length=2)
    carrier = models.CharField(max_length=30)
    up_to_grams = models.PositiveIntegerField()
    price = models.DecimalField(max_digits=7, decimal_places=2)

    class Meta:
        ordering = ["country", "up_to_grams", "price"]
