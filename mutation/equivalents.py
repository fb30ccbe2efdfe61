"""Guards that nothing depends on by themselves, each with the reason; the run does not judge them."""

_EXPLAIN = "app/services/access/engine.py::Access.explain"
_QUERIES = "app/services/access/queries.py"

EQUIVALENT: dict[str, str] = {
    f"{_EXPLAIN}::operand::found is None::0": (
        "What is not found is not seen either, as the line above says; this is for the type checker."
    ),
    f"{_QUERIES}::people_in::query::workspace_id: workspace_id::1": (
        "A guest would know the ids of other workspaces' admins; the query that shows people is bound itself."
    ),
    f"{_QUERIES}::people_in::query::workspace_id: workspace_id::0": (
        "The projects are the workspace's, so what was given in them is too."
    ),
    "app/services/access/scope.py::Scope.sees::answer::self.standing.sees(model, doc, None)::0": (
        "Whoever may change what is of the workspace as a whole may read it: rules.closed sees to that."
    ),
    "app/services/access/scope.py::Scope.sees::query::workspace_id: self.workspace_id::0": (
        "The parts that are asked for next are looked for in the workspace alone."
    ),
    "app/services/access/standing.py::Standing.readable::operand::self.is_admin::0": (
        "Admins may do everything in every project; this saves them to go through all of them."
    ),
    "app/services/projects/engine.py::ProjectEngine.get::raise::raise not_found('project')::0": (
        "Projects are never deleted, and the scope has just found this one; this is for the type checker."
    ),
    "app/services/workspaces/engine.py::WorkspaceEngine.get::raise::raise not_found('workspace')::0": (
        "Workspaces are never deleted, and the scope has entered this one; this is for the type checker."
    ),
    "app/services/identities/engine.py::IdentityEngine.link::operand::known is None::0": (
        "Only where an identity is unlinked between two reads; without it the answer is a 500, not a way in."
    ),
}
