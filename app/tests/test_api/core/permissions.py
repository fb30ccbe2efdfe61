"""Which principal may call which route. A new route needs a row here.

`ok` is any success, a number the status of the refusal, and `login` one of tokens: 403, `login_required`.
"""

PRINCIPALS = (
    *("anonymous", "owner", "admin", "member"),
    *("lead", "contributor", "commenter", "viewer", "guest"),
    *("former", "stranger", "service", "token", "visitor"),
)
"""`lead` to `viewer` are guests with this role in every project, `guest` has none in any.

`former` was an admin of the workspace, `stranger` has an account and another workspace. `service` is a service
account that is a member, `token` an API token of the owner with the scope `*:read`, `visitor` came through a
public link of the project FLUID, where the tasks are, which lets them comment.
"""

_TABLE = """
                         anonymous owner admin member lead contributor commenter viewer guest former stranger service token   visitor
get_docs                 ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
get_liveness             ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
get_readiness            ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
get_metrics              ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
get_problem_type         ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok

create_login             ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
confirm_login            ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
create_passkey_request   ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
create_passkey_login     ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
create_token             ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
refresh_login            ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
delete_login             401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
create_reauthentication  401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login

create_visit             ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok

list_oidc_providers      ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
start_oidc_login         ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
finish_oidc_login        ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok

list_identities          401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
start_identity           401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
finish_identity          401       ok    404   404    404  404         404       404    404   404    404      login   login   login
delete_identity          401       ok    404   404    404  404         404       404    404   404    404      login   login   login

get_me                   401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   ok      login
update_me                401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
update_password          401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
deactivate_me            401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
delete_me                401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
create_email_change      401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
confirm_email_change     ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
update_avatar            401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
get_avatar               401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
delete_avatar            401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login

create_registration      ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
confirm_registration     ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
create_password_reset    ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
confirm_password_reset   ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok

list_sessions            401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
get_session              401       ok    404   404    404  404         404       404    404   404    404      login   login   login
delete_other_sessions    401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
delete_session           401       ok    404   404    404  404         404       404    404   404    404      login   login   login

create_my_token          401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
list_my_tokens           401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
get_my_token             401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
delete_my_token          401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login

get_factors              401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
create_totp              401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
confirm_totp             401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
delete_totp              401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
create_recovery_codes    401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
create_passkey_options   401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
create_passkey           401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
get_passkey              401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
update_passkey           401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
delete_passkey           401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login

create_workspace         401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login
list_workspaces          401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   ok      login
get_workspace            401       ok    ok    ok     ok   ok          ok        ok     ok    404    404      ok      ok      ok
update_workspace         401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
create_membership        401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
list_memberships         401       ok    ok    ok     ok   ok          ok        ok     ok    404    404      ok      ok      ok
get_membership           401       ok    ok    ok     ok   ok          ok        ok     404   404    404      ok      ok      404
update_membership        401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
delete_membership        401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
get_membership_avatar    401       ok    ok    ok     ok   ok          ok        ok     404   404    404      ok      ok      404
merge_membership         401       ok    ok    403    403  403         403       403    403   404    404      403     403     403

create_invitation        401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
list_invitations         401       ok    ok    403    403  403         403       403    403   404    404      403     ok      403
get_invitation           401       ok    ok    403    403  403         403       403    403   404    404      403     ok      403
delete_invitation        401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
resend_invitation        401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
preview_invitation       ok        ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       ok      ok      ok
accept_invitation        401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login

create_team              401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
delete_team              401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
update_team              401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
create_team_member       401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
delete_team_member       401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
create_service_token     401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
list_service_tokens      401       ok    ok    403    403  403         403       403    403   404    404      403     ok      403
get_service_token        401       ok    ok    403    403  403         403       403    403   404    404      403     ok      403
delete_service_token     401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
create_role              401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
update_role              401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
delete_role              401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
create_grant             401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403
update_grant             401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403
delete_grant             401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403
list_teams               401       ok    ok    ok     403  403         403       403    403   404    404      ok      ok      403
get_team                 401       ok    ok    ok     403  403         403       403    403   404    404      ok      ok      403
list_roles               401       ok    ok    ok     403  403         403       403    403   404    404      ok      ok      403
get_role                 401       ok    ok    ok     403  403         403       403    403   404    404      ok      ok      403
list_grants              401       ok    ok    ok     ok   ok          ok        ok     404   404    404      ok      ok      404
get_grant                401       ok    ok    ok     ok   ok          ok        ok     404   404    404      ok      ok      404
get_permissions          401       ok    ok    ok     ok   ok          ok        ok     ok    404    404      ok      ok      ok

create_link              401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403
list_links               401       ok    ok    403    ok   403         403       403    404   404    404      403     ok      404
get_link                 401       ok    ok    403    ok   403         403       403    404   404    404      403     ok      404
update_link              401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403
delete_link              401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403

list_audit_entries       401       ok    ok    403    403  403         403       403    403   404    404      403     ok      403
export_audit_entries     401       ok    ok    403    403  403         403       403    403   404    404      403     ok      403
list_my_audit_entries    401       ok    ok    ok     ok   ok          ok        ok     ok    ok     ok       login   login   login

create_project           401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
list_projects            401       ok    ok    ok     ok   ok          ok        ok     ok    404    404      ok      ok      ok
get_project              401       ok    ok    ok     ok   ok          ok        ok     404   404    404      ok      ok      404
update_project           401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403
archive_project          401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403
unarchive_project        401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403

create_status            401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403
list_statuses            401       ok    ok    ok     ok   ok          ok        ok     404   404    404      ok      ok      404
get_status               401       ok    ok    ok     ok   ok          ok        ok     404   404    404      ok      ok      404
update_status            401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403
move_status              401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403
delete_status            401       ok    ok    403    ok   403         403       403    403   404    404      403     403     403

create_label             401       ok    ok    ok     403  403         403       403    403   404    404      ok      403     403
list_labels              401       ok    ok    ok     ok   ok          ok        ok     ok    404    404      ok      ok      ok
get_label                401       ok    ok    ok     ok   ok          ok        ok     ok    404    404      ok      ok      ok
update_label             401       ok    ok    ok     403  403         403       403    403   404    404      ok      403     403
delete_label             401       ok    ok    403    403  403         403       403    403   404    404      403     403     403

batch_tasks              401       ok    ok    ok     ok   ok          403       403    403   404    404      ok      403     403
create_task              401       ok    ok    ok     ok   ok          403       403    403   404    404      ok      403     403
list_tasks               401       ok    ok    ok     ok   ok          ok        ok     ok    404    404      ok      ok      ok
get_task                 401       ok    ok    ok     ok   ok          ok        ok     404   404    404      ok      ok      ok
update_task              401       ok    ok    ok     ok   ok          403       403    403   404    404      ok      403     403
delete_task              401       ok    ok    ok     ok   ok          403       403    403   404    404      ok      403     403
restore_task             401       ok    ok    ok     ok   ok          403       403    403   404    404      ok      403     403
archive_task             401       ok    ok    ok     ok   ok          403       403    403   404    404      ok      403     403
unarchive_task           401       ok    ok    ok     ok   ok          403       403    403   404    404      ok      403     403
rank_task                401       ok    ok    ok     ok   ok          403       403    403   404    404      ok      403     403
move_task                401       ok    ok    ok     ok   ok          403       403    403   404    404      ok      403     403
list_task_activity       401       ok    ok    ok     ok   ok          ok        ok     404   404    404      ok      ok      403

create_comment           401       ok    ok    ok     ok   ok          ok        403    403   404    404      ok      403     ok
list_comments            401       ok    ok    ok     ok   ok          ok        ok     404   404    404      ok      ok      ok
get_comment              401       ok    ok    ok     ok   ok          ok        ok     404   404    404      ok      ok      ok
update_comment           401       ok    ok    ok     ok   403         403       403    403   404    404      403     403     403
delete_comment           401       ok    ok    ok     ok   403         403       403    403   404    404      403     403     403

create_import            401       ok    ok    403    403  403         403       403    403   404    404      403     403     403
list_imports             401       ok    ok    ok     403  403         403       403    403   404    404      ok      ok      403
get_import               401       ok    ok    ok     403  403         403       403    403   404    404      ok      ok      403

list_events              401       ok    ok    ok     ok   ok          ok        ok     ok    404    404      ok      ok      403
get_event                401       ok    ok    ok     ok   ok          ok        ok     404   404    404      ok      ok      403
undo_event               401       ok    ok    ok     ok   ok          403       403    404   404    404      ok      403     403

get_frame                401       ok    ok    ok     ok   ok          ok        ok     ok    404    404      ok      ok      ok
get_snapshot             401       ok    ok    ok     ok   ok          ok        ok     ok    404    404      ok      ok      ok
create_ticket            401       ok    ok    ok     ok   ok          ok        ok     ok    404    404      ok      ok      ok
"""


def _read(table: str) -> dict[str, dict[str, str]]:
    head, *rows = (line.split() for line in table.splitlines() if line.strip())
    assert tuple(head) == PRINCIPALS
    assert all(len(row) == len(PRINCIPALS) + 1 for row in rows)
    read = {row[0]: dict(zip(PRINCIPALS, row[1:], strict=True)) for row in rows}
    assert len(read) == len(rows), "a route stands in the table twice"
    return read


EXPECTED = _read(_TABLE)
