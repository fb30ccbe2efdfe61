"""Exports: everything of a workspace as of one moment, as lines of JSON."""

from app.services.exports.engine import ExportEngine, Summary

__all__ = ["ExportEngine", "Summary"]
