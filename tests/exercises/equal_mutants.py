"""Mutants of solutions that are right too, each with the reason.

Keyed by the exercise, then by the change as `Mutant.change` shows it, less its line.
"""

EQUAL: dict[str, dict[str, str]] = {}
