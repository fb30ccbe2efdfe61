"""Who may open a project to others. Pure."""

from app.core.documents import Doc
from app.models.grants import ProjectRole
from app.models.projects import Project, Visibility
from app.services.access.rules import IN_PROJECT, NONE, Permissions
from app.services.grants.rules import check_giver


def check_opening(own: Permissions, project: Project, changes: Doc) -> None:
    """Raises `permission_denied` where naming a lead, or ending privacy, gives what one does not have."""
    given = NONE
    if changes.get("lead_id") not in (None, project.lead_id):
        given |= IN_PROJECT[ProjectRole.LEAD]
    hidden = project.visibility is Visibility.PRIVATE
    if hidden and changes.get("visibility", Visibility.PRIVATE) != Visibility.PRIVATE:
        given |= IN_PROJECT[ProjectRole.CONTRIBUTOR]
    check_giver(own, given)
