"""Exercises: the answers to compare with, the checks, and what they say."""
