"""The little language of price rules: ``category = garden and quantity >= 3``.

A condition is clauses joined by ``and``; a clause compares one field of the `Facts` with one
value, or with several after ``in``. Nothing is evaluated as Python, and this module knows
neither database nor request.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

CLAUSE = re.compile(r"(?P<field>[a-z_]+)\s*(?P<operator>>=|<=|=|\bin\b)\s*(?P<value>\S.*)")
JOINER = re.compile(r"\s+and\s+")
NOT_A_NUMBER = Decimal("NaN")
NUMBER_FIELDS = frozenset({"quantity", "price", "subtotal"})
TEXT_FIELDS = frozenset({"category", "brand", "tier", "country", "coupon"})


class RuleError(ValueError):
    """A condition that cannot be read."""


@dataclass(frozen=True, slots=True)
class Clause:
    field: str
    operator: str
    values: tuple[str, ...] | tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a condition may ask about. Texts are in lower case; what is unknown is 0 or empty."""

    category: frozenset[str] = frozenset()
    brand: str = ""
    tier: str = ""
    country: str = ""
    coupon: str = ""
    quantity: int = 0
    price: Decimal = Decimal(0)
    subtotal: Decimal = Decimal(0)


def parse_condition(text: str) -> tuple[Clause, ...]:
    """Reads a condition. The empty condition has no clauses and always holds.

    Raises:
        RuleError: a clause has another form, an unknown field, or no number where one must be.
    """
    if not text.strip():
        return ()
    return tuple(_parse_clause(part) for part in JOINER.split(text.strip()))


def _parse_clause(text: str) -> Clause:
    match = CLAUSE.fullmatch(text)
    if match is None:
        raise RuleError(f"cannot read the clause {text!r}")
    field, operator, value = match["field"], match["operator"], match["value"]
    if field in NUMBER_FIELDS and operator != "in":
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = NOT_A_NUMBER
        if not number.is_finite():
            raise RuleError(f"{field} wants a number, not {value!r}")
        return Clause(field, operator, (number,))
    if field in TEXT_FIELDS and operator in ("=", "in"):
        names = value.split(",") if operator == "in" else [value]
        return Clause(field, operator, tuple(name.strip().lower() for name in names))
    raise RuleError(f"cannot compare {field!r} with {operator!r}")


def holds(clause: Clause, facts: Facts) -> bool:
    actual = getattr(facts, clause.field)
    if clause.operator == ">=":
        return actual >= clause.values[0]
    if clause.operator == "<=":
        return actual <= clause.values[0]
    if isinstance(actual, frozenset):
        return not actual.isdisjoint(clause.values)
    return actual in clause.values
