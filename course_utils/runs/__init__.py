"""The instructor's side: run lessons in batches and report on them.

No lesson imports this package.
"""
