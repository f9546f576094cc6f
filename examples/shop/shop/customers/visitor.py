"""Who is looking: a known customer, or anyone. Prices depend on it, and on nothing else of them."""

from dataclasses import dataclass

from django.contrib.sessions.backends.base import SessionBase

from shop.customers.models import Customer, Tier

CUSTOMER_KEY = "customer"
DEFAULT_COUNTRY = "DE"


@dataclass(frozen=True, slots=True)
class Visitor:
    name: str = ""
    tier: str = Tier.STANDARD.value
    country: str = DEFAULT_COUNTRY

    @classmethod
    def of_session(cls, session: SessionBase) -> "Visitor":
        """The customer who signed in, or an unknown visitor. A deleted customer is unknown."""
        number = session.get(CUSTOMER_KEY)
        customer = Customer.objects.filter(number=number).first() if number else None
        if customer is None:
            return cls()
        return cls(name=customer.name, tier=customer.tier, country=customer.country)
