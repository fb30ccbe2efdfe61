"""How deep the tests dig that make up their own cases."""

import os


def examples(usual: int) -> int:
    """How many cases to try: PASTIS_FUZZ_EXAMPLES for all, else what an ordinary run has the time for."""
    return int(os.environ.get("PASTIS_FUZZ_EXAMPLES") or usual)
