"""Grading: what a submission solves, found out without trusting it."""
