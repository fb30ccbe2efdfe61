"""Workspaces."""

from app.services.workspaces.engine import WorkspaceEngine, create_workspace, list_workspaces

__all__ = ["WorkspaceEngine", "create_workspace", "list_workspaces"]
