"""A plugin that is loaded first: jsonschema without the grammars of international addresses.

nbformat imports jsonschema, which builds those grammars at its import if it can: a second of CPU in each lane, and
in each run of notebooks. No notebook has such an address to check.
"""

import sys

sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # as if it were not installed
