"""What can link wrong numbers to right ones: one kind of relation per module."""
