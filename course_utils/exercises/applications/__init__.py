"""Applications that must run beside an answer, since they watch it at work.

They are all that a confined answer's process sees of its exercise. What they report is
forgeable there: the numbers in it must be such that only a right answer can know them.
"""
