"""The labs, one module each: tasks, rubrics and measures, and no solutions."""
