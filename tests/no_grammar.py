"""Loaded before all other plugins of pytest (`addopts`), one of which is nbval.

With nbformat comes jsonschema, and with it a grammar of internationalised addresses that takes a
second to compile in each process. No schema here has such an address; jsonschema does without.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
