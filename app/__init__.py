"""Pastis: a backend to plan and follow projects and tasks."""

__version__ = "0.1.0"
