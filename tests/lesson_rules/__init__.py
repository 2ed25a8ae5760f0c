"""What every lesson keeps to: rules, each a function from a lesson to its problems.

A rule returns sentences that say what is wrong; none where all is well.
"""

from tests.lesson_rules import cells, exercises, files, order, outputs

MODULES = [files, order, cells, exercises, outputs]
RULES = {rule.__name__: rule for module in MODULES for rule in module.RULES}
