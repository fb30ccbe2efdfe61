"""Pastis: a backend to plan and follow projects and tasks."""

import gc

__version__ = "0.1.0"

# So many new objects before Python looks which are garbage: it would look at each of many that are imported
# and kept, or read and let go of, for nothing.
gc.set_threshold(50_000, *gc.get_threshold()[1:])
