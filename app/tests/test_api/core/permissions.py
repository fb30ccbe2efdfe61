"""Which principal may call which route. A new route needs a row here.

`ok` is any success; a number is the status of the refusal.
"""

PRINCIPALS = (
    *("anonymous", "owner", "admin", "member"),
    *("lead", "contributor", "commenter", "viewer", "guest"),
    *("former", "stranger"),
)
"""`lead` to `viewer` are guests with this role in every project, `guest` has none in any.

`former` was an admin of the workspace, `stranger` has an account and another workspace.
"""

_TABLE = """
                         anonymous owner admin member lead contributor commenter viewer guest former stranger
get_docs                 ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
get_liveness             ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
get_readiness            ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
get_problem_type         ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok

create_login             ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
confirm_login            ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
create_passkey_request   ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
create_passkey_login     ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
create_token             ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
refresh_login            ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
delete_login             401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
create_reauthentication  401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok

list_oidc_providers      ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
start_oidc_login         ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
finish_oidc_login        ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok

list_identities          401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
start_identity           401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
finish_identity          401       ok    404   404    404  404         404       404    404   404    404
delete_identity          401       ok    404   404    404  404         404       404    404   404    404

get_me                   401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
update_me                401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
update_password          401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
deactivate_me            401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
delete_me                401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
create_email_change      401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
confirm_email_change     ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
update_avatar            401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
get_avatar               401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
delete_avatar            401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok

create_registration      ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
confirm_registration     ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
create_password_reset    ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
confirm_password_reset   ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok

list_sessions            401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
get_session              401       ok    404   404    404  404         404       404    404   404    404
delete_other_sessions    401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
delete_session           401       ok    404   404    404  404         404       404    404   404    404

get_factors              401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
create_totp              401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
confirm_totp             401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
delete_totp              401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
create_recovery_codes    401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
create_passkey_options   401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
create_passkey           401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
get_passkey              401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
update_passkey           401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
delete_passkey           401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok

create_workspace         401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
list_workspaces          401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
get_workspace            401       ok    ok    ok     ok   ok          ok        ok     ok    404    404
update_workspace         401       ok    ok    403    403  403         403       403    403   404    404

create_membership        401       ok    ok    403    403  403         403       403    403   404    404
list_memberships         401       ok    ok    ok     ok   ok          ok        ok     ok    404    404
get_membership           401       ok    ok    ok     ok   ok          ok        ok     404   404    404
update_membership        401       ok    ok    403    403  403         403       403    403   404    404
delete_membership        401       ok    ok    403    403  403         403       403    403   404    404
get_membership_avatar    401       ok    ok    ok     ok   ok          ok        ok     404   404    404
merge_membership         401       ok    ok    403    403  403         403       403    403   404    404

create_invitation        401       ok    ok    403    403  403         403       403    403   404    404
list_invitations         401       ok    ok    403    403  403         403       403    403   404    404
get_invitation           401       ok    ok    403    403  403         403       403    403   404    404
delete_invitation        401       ok    ok    403    403  403         403       403    403   404    404
resend_invitation        401       ok    ok    403    403  403         403       403    403   404    404
preview_invitation       ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok
accept_invitation        401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok

create_team              401       ok    ok    403    403  403         403       403    403   404    404
delete_team              401       ok    ok    403    403  403         403       403    403   404    404
update_team              401       ok    ok    403    403  403         403       403    403   404    404
create_team_member       401       ok    ok    403    403  403         403       403    403   404    404
delete_team_member       401       ok    ok    403    403  403         403       403    403   404    404
create_role              401       ok    ok    403    403  403         403       403    403   404    404
update_role              401       ok    ok    403    403  403         403       403    403   404    404
delete_role              401       ok    ok    403    403  403         403       403    403   404    404
create_grant             401       ok    ok    403    ok   403         403       403    403   404    404
update_grant             401       ok    ok    403    ok   403         403       403    403   404    404
delete_grant             401       ok    ok    403    ok   403         403       403    403   404    404
list_teams               401       ok    ok    ok     403  403         403       403    403   404    404
get_team                 401       ok    ok    ok     403  403         403       403    403   404    404
list_roles               401       ok    ok    ok     403  403         403       403    403   404    404
get_role                 401       ok    ok    ok     403  403         403       403    403   404    404
list_grants              401       ok    ok    ok     ok   ok          ok        ok     404   404    404
get_grant                401       ok    ok    ok     ok   ok          ok        ok     404   404    404
get_permissions          401       ok    ok    ok     ok   ok          ok        ok     ok    404    404

list_audit_entries       401       ok    ok    403    403  403         403       403    403   404    404
export_audit_entries     401       ok    ok    403    403  403         403       403    403   404    404
list_my_audit_entries    401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok

create_project           401       ok    ok    403    403  403         403       403    403   404    404
list_projects            401       ok    ok    ok     ok   ok          ok        ok     ok    404    404
get_project              401       ok    ok    ok     ok   ok          ok        ok     404   404    404
update_project           401       ok    ok    403    ok   403         403       403    403   404    404
archive_project          401       ok    ok    403    ok   403         403       403    403   404    404
unarchive_project        401       ok    ok    403    ok   403         403       403    403   404    404

create_status            401       ok    ok    403    ok   403         403       403    403   404    404
list_statuses            401       ok    ok    ok     ok   ok          ok        ok     404   404    404
get_status               401       ok    ok    ok     ok   ok          ok        ok     404   404    404
update_status            401       ok    ok    403    ok   403         403       403    403   404    404
move_status              401       ok    ok    403    ok   403         403       403    403   404    404
delete_status            401       ok    ok    403    ok   403         403       403    403   404    404

create_label             401       ok    ok    ok     403  403         403       403    403   404    404
list_labels              401       ok    ok    ok     ok   ok          ok        ok     ok    404    404
get_label                401       ok    ok    ok     ok   ok          ok        ok     ok    404    404
update_label             401       ok    ok    ok     403  403         403       403    403   404    404
delete_label             401       ok    ok    403    403  403         403       403    403   404    404

batch_tasks              401       ok    ok    ok     ok   ok          403       403    403   404    404
create_task              401       ok    ok    ok     ok   ok          403       403    403   404    404
list_tasks               401       ok    ok    ok     ok   ok          ok        ok     ok    404    404
get_task                 401       ok    ok    ok     ok   ok          ok        ok     404   404    404
update_task              401       ok    ok    ok     ok   ok          403       403    403   404    404
delete_task              401       ok    ok    ok     ok   ok          403       403    403   404    404
restore_task             401       ok    ok    ok     ok   ok          403       403    403   404    404
archive_task             401       ok    ok    ok     ok   ok          403       403    403   404    404
unarchive_task           401       ok    ok    ok     ok   ok          403       403    403   404    404
rank_task                401       ok    ok    ok     ok   ok          403       403    403   404    404
move_task                401       ok    ok    ok     ok   ok          403       403    403   404    404
list_task_activity       401       ok    ok    ok     ok   ok          ok        ok     404   404    404

create_comment           401       ok    ok    ok     ok   ok          ok        403    403   404    404
list_comments            401       ok    ok    ok     ok   ok          ok        ok     404   404    404
get_comment              401       ok    ok    ok     ok   ok          ok        ok     404   404    404
update_comment           401       ok    ok    ok     ok   403         403       403    403   404    404
delete_comment           401       ok    ok    ok     ok   403         403       403    403   404    404

create_import            401       ok    ok    403    403  403         403       403    403   404    404
list_imports             401       ok    ok    ok     403  403         403       403    403   404    404
get_import               401       ok    ok    ok     403  403         403       403    403   404    404

list_events              401       ok    ok    ok     ok   ok          ok        ok     ok    404    404
get_event                401       ok    ok    ok     ok   ok          ok        ok     404   404    404
undo_event               401       ok    ok    ok     ok   ok          403       403    404   404    404
"""


def _read(table: str) -> dict[str, dict[str, str]]:
    head, *rows = (line.split() for line in table.splitlines() if line.strip())
    assert tuple(head) == PRINCIPALS
    assert all(len(row) == len(PRINCIPALS) + 1 for row in rows)
    read = {row[0]: dict(zip(PRINCIPALS, row[1:], strict=True)) for row in rows}
    assert len(read) == len(rows), "a route stands in the table twice"
    return read


EXPECTED = _read(_TABLE)
