"""Guards that nothing depends on by themselves, each with the reason; the run does not judge them."""

_EXPLAIN = "app/services/access/engine.py::Access.explain"
_LAST_OWNED = "app/services/memberships/queries.py::last_owned"
_NEVER_DELETED = "Neither workspaces nor memberships are ever deleted; this is for the type checker."
_ONE_WORKSPACES = "The id of a membership is named in its own workspace alone; this is for the index."
_PREVIEW = "app/services/invitations/acceptances.py::Acceptances.preview"
_QUERIES = "app/services/access/queries.py"

_WEAKER = "FactorEngine ends the account's other logins next, which forgets all that is known of the account."

EQUIVALENT: dict[str, str] = {
    "app/services/sessions/engine.py::SessionEngine.weaken::call::"
    "self._access.forget_credential(session_id)::0": _WEAKER,
    "app/services/tokens/engine.py::TokenEngine.weaken::call::self._access.forget_user(user_id)::0": _WEAKER,
    "app/api/gate.py::_check_recent::operand::not isinstance(principal, AccountPrincipal)::0": (
        "Who is no account is of another kind than a user, which is asked next; this is for the type checker."
    ),
    "app/services/factors/engine.py::FactorEngine.confirm_totp::operand::factors.pending_totp is None::0": (
        "A secret and the time since when it waits come and go together; this is for the type checker."
    ),
    "app/services/identities/engine.py::IdentityEngine._account::operand::email is None::0": (
        "rules.may_create asks for an address too; this is for the type checker."
    ),
    "app/services/invitations/queries.py::addresses::query::workspace_id: scope.workspace_id::0": (
        "The ids are those of invitations that were found in the workspace."
    ),
    "app/services/memberships/queries.py::given_by::query::user_id: user_id::0": (
        "An identity is one account's; this is for the index."
    ),
    "app/services/memberships/queries.py::clean_log::query::workspace_id: workspace_id::0": _ONE_WORKSPACES,
    "app/services/memberships/queries.py::clean_log::query::workspace_id: workspace_id::1": _ONE_WORKSPACES,
    f"{_LAST_OWNED}::query::user_id: user_id::0": (
        "Every workspace has an owner with an account, so none of others' would be found to be left alone; "
        "this is for the index."
    ),
    f"{_LAST_OWNED}::query::workspace_id: {{'$in': mine}}::0": (
        "What is found elsewhere is none of `mine`, from which it is taken; this is for the index."
    ),
    f"{_PREVIEW}::operand::inviter is None::0": _NEVER_DELETED,
    f"{_PREVIEW}::operand::workspace is None::0": _NEVER_DELETED,
    f"{_PREVIEW}::raise::raise PastisError(ErrorCode.INVALID_LINK)::0": _NEVER_DELETED,
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
