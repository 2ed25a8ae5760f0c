"""Labs: open tasks worth points, measured openly by learners and hidden in grading."""
