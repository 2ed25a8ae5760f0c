"""A learner's own copy of the lessons: made, updated, and opened in JupyterLab."""
