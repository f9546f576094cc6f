"""Value added tax, by country and tax class. Percentages, for a demo: not legal advice."""

from decimal import Decimal

from shop.catalog.models import TaxClass

HOME_COUNTRY = "DE"

# Country: (standard, reduced).
RATES = {
    "AT": (Decimal("20"), Decimal("10")),
    "BE": (Decimal("21"), Decimal("6")),
    "CZ": (Decimal("21"), Decimal("12")),
    "DE": (Decimal("19"), Decimal("7")),
    "DK": (Decimal("25"), Decimal("25")),
    "ES": (Decimal("21"), Decimal("10")),
    "FI": (Decimal("25.5"), Decimal("14")),
    "FR": (Decimal("20"), Decimal("5.5")),
    "IE": (Decimal("23"), Decimal("13.5")),
    "IT": (Decimal("22"), Decimal("10")),
    "NL": (Decimal("21"), Decimal("9")),
    "PL": (Decimal("23"), Decimal("8")),
    "PT": (Decimal("23"), Decimal("6")),
    "SE": (Decimal("25"), Decimal("12")),
}


class UnknownCountry(ValueError):
    """The shop does not sell to this country."""


def tax_percent(country: str, tax_class: str) -> Decimal:
    try:
        standard, reduced = RATES[country]
    except KeyError:
        raise UnknownCountry(f"we do not deliver to {country!r}") from None
    return reduced if tax_class == TaxClass.REDUCED else standard
