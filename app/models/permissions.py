"""What may be asked of a workspace, as `resource:action`."""

from enum import StrEnum


class Permission(StrEnum):
    AUDIT_READ = "audit:read"
    COMMENT_CREATE = "comment:create"
    COMMENT_DELETE = "comment:delete"
    COMMENT_MODERATE = "comment:moderate"
    COMMENT_READ = "comment:read"
    COMMENT_UPDATE = "comment:update"
    EVENT_READ = "event:read"
    EVENT_UNDO = "event:undo"
    GRANT_CREATE = "grant:create"
    GRANT_DELETE = "grant:delete"
    GRANT_READ = "grant:read"
    GRANT_UPDATE = "grant:update"
    IMPORT_CREATE = "import:create"
    IMPORT_READ = "import:read"
    INVITATION_CREATE = "invitation:create"
    INVITATION_DELETE = "invitation:delete"
    INVITATION_READ = "invitation:read"
    LABEL_CREATE = "label:create"
    LABEL_DELETE = "label:delete"
    LABEL_READ = "label:read"
    LABEL_UPDATE = "label:update"
    LINK_CREATE = "link:create"
    LINK_DELETE = "link:delete"
    LINK_READ = "link:read"
    LINK_UPDATE = "link:update"
    MEMBERSHIP_CREATE = "membership:create"
    MEMBERSHIP_DELETE = "membership:delete"
    MEMBERSHIP_LEAVE = "membership:leave"
    MEMBERSHIP_READ = "membership:read"
    MEMBERSHIP_UPDATE = "membership:update"
    PROJECT_CREATE = "project:create"
    PROJECT_READ = "project:read"
    PROJECT_UPDATE = "project:update"
    ROLE_CREATE = "role:create"
    ROLE_DELETE = "role:delete"
    ROLE_READ = "role:read"
    ROLE_UPDATE = "role:update"
    STATUS_CREATE = "status:create"
    STATUS_DELETE = "status:delete"
    STATUS_READ = "status:read"
    STATUS_UPDATE = "status:update"
    TASK_CREATE = "task:create"
    TASK_DELETE = "task:delete"
    TASK_READ = "task:read"
    TASK_UPDATE = "task:update"
    TEAM_CREATE = "team:create"
    TEAM_DELETE = "team:delete"
    TEAM_READ = "team:read"
    TEAM_UPDATE = "team:update"
    TOKEN_CREATE = "token:create"  # noqa: S105 - a permission
    TOKEN_DELETE = "token:delete"  # noqa: S105 - a permission
    TOKEN_READ = "token:read"  # noqa: S105 - a permission
    WORKSPACE_READ = "workspace:read"
    WORKSPACE_UPDATE = "workspace:update"

    @property
    def resource(self) -> str:
        return self.partition(":")[0]

    @property
    def action(self) -> str:
        return self.partition(":")[2]

    @property
    def reads(self) -> bool:
        return self.endswith(":read")


OF_PROJECTS = frozenset(
    permission
    for permission in Permission
    if permission.resource in ("comment", "grant", "link", "project", "status", "task")
    and permission != Permission.PROJECT_CREATE
)
"""Held in one project and perhaps not in another; all others are held in the workspace as a whole."""
