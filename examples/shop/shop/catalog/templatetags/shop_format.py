"""How the templates write money, stars and dates."""

from decimal import Decimal

from django import template
from django.utils.formats import number_format

register = template.Library()


@register.filter
def money(amount: Decimal) -> str:
    return f"€ {number_format(amount, decimal_pos=2, force_grouping=True)}"


@register.filter
def stars(average: float | None) -> str:
    """Five signs, full up to the rounded average: ★★★★☆. Nothing without reviews."""
    if average is None:
        return ""
    full = round(average)
    return "★" * full + "☆" * (5 - full)
