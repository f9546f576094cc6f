"""Who buys: customers, what they ordered, and what they wrote about it."""
