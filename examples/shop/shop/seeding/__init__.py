"""Makes the demo's data: the same rows on every machine, from one seeded generator."""
