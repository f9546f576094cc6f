"""The sampling comparison: workloads with known truth, profilers that observe them, one table."""
