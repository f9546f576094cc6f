"""What things cost: price rules, tax, shipping, and the quote that adds them up.

`rules` reads the little language that price rules are written in, `engine` applies rules to
products and carts, `tax` and `shipping` know the tables. Money is `Decimal`, net of tax until
a quote adds tax, and rounded to cents by `money.to_cents` only.
"""
