"""What delivery costs: the table of rates, and the cheapest carrier for a parcel."""

from collections.abc import Iterable, Mapping

from shop.pricing.models import ShippingRate

RateTable = Mapping[str, list[ShippingRate]]


class TooHeavy(ValueError):
    """No carrier takes a parcel of this weight to this country."""


def rates_by_country() -> RateTable:
    """The whole table, one list of rates per country, lightest and cheapest first."""
    table: dict[str, list[ShippingRate]] = {}
    for rate in ShippingRate.objects.all():
        table.setdefault(rate.country, []).append(rate)
    return table


def cheapest(rates: Iterable[ShippingRate], grams: int) -> ShippingRate:
    """The cheapest of the rates that allow this weight."""
    offers = [rate for rate in rates if rate.up_to_grams >= grams]
    if not offers:
        raise TooHeavy(f"no carrier takes {grams / 1000:.1f} kg there")
    return min(offers, key=lambda rate: (rate.price, rate.carrier))
