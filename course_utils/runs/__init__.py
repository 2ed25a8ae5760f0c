"""The instructor's side: run lessons in batches and report on them.

No lesson imports this package.
"""

import sys
from typing import Any, cast

# jsonschema, which nbformat imports, would build a grammar for a second. It is optional
# there: it checks addresses, and no notebook's schema has any.
sys.modules.setdefault("rfc3987_syntax", cast(Any, None))
