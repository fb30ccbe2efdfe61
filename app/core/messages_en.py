"""The English words of the message service; `app.core.messages` says how a text is chosen and filled."""

from app.core.errors import ErrorCode, FieldCode

# The title, then the details from the most to the least exact: the first whose params are all there is used.
PROBLEMS: dict[ErrorCode, tuple[str, ...]] = {
    ErrorCode.ACCOUNT_EXISTS: (
        "Account exists",
        "An account has this e-mail address already. Log in to it and link this identity there.",
    ),
    ErrorCode.ALREADY_EXISTS: (
        "Already exists",
        "{kind.A} with {field.this} already exists.",
        "{kind.The} already exists.",
        "It already exists.",
    ),
    ErrorCode.ARCHIVED: (
        "Archived",
        "{kind.The} is archived and cannot change until it is restored.",
        "It is archived and cannot change until it is restored.",
    ),
    ErrorCode.AUTHENTICATION_REQUIRED: (
        "Authentication required",
        "Sign in, or send an access token in the Authorization header.",
    ),
    ErrorCode.BAD_REQUEST: (
        "Bad request",
        "The request could not be read.",
    ),
    ErrorCode.BODY_TOO_LARGE: (
        "Body too large",
        "The body of the request is larger than {limit} bytes.",
        "The body of the request is too large.",
    ),
    ErrorCode.BOTH_CREDENTIALS: (
        "Two credentials",
        "Send one only: a session cookie or a single Authorization header.",
    ),
    ErrorCode.CSRF_REFUSED: (
        "Not from our pages",
        "With cookies, a change needs the Origin of this application and the header Pastis-Client.",
    ),
    ErrorCode.CYCLE: (
        "Cycle",
        "{kind.The} would depend on itself.",
        "This change would make a cycle.",
    ),
    ErrorCode.DATABASE_UNAVAILABLE: (
        "Database unavailable",
        "The database does not answer and nothing was changed. Try again in a moment.",
    ),
    ErrorCode.FACTOR_REQUIRED: (
        "Second factor required",
        "This login needs a second factor as well. Answer the challenge with one of those that are named.",
    ),
    ErrorCode.HEADERS_TOO_LARGE: (
        "Headers too large",
        "The headers of the request are larger than {limit} bytes.",
        "The headers of the request are too large.",
    ),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: (
        "Idempotency key reused",
        "This idempotency key was already used for a different request.",
    ),
    ErrorCode.IDENTITY_PROVIDER_UNAVAILABLE: (
        "Identity provider unavailable",
        "The identity provider does not answer as it should. Try again in a moment.",
    ),
    ErrorCode.IDENTITY_REFUSED: (
        "Identity refused",
        "The answer of the identity provider proves nothing. Start the login again.",
    ),
    ErrorCode.IDENTITY_UNKNOWN: (
        "Identity unknown",
        "No account belongs to this identity. Ask whoever runs the server for one.",
    ),
    ErrorCode.IN_USE: (
        "In use",
        "{kind.The} is still in use (uses: {count}).",
        "{kind.The} is still in use.",
        "It is still in use.",
    ),
    ErrorCode.INTERNAL_ERROR: (
        "Internal error",
        "Something went wrong on the server. Give the request_id to whoever runs it.",
    ),
    ErrorCode.INVALID_CREDENTIALS: (
        "Invalid credentials",
        "Who you are is not proven: {reason}.",
        "The password of {kind.this} is wrong.",
        "The e-mail address or the password is wrong.",
    ),
    ErrorCode.INVALID_CURSOR: (
        "Invalid cursor",
        "The cursor is not one that this list gave. Start again from the first page.",
    ),
    ErrorCode.INVALID_FACTOR: (
        "Invalid second factor",
        "The code or passkey is not accepted. A code counts once, and only at its time.",
    ),
    ErrorCode.INVALID_IDEMPOTENCY_KEY: (
        "Invalid idempotency key",
        "The Idempotency-Key header is not in the expected form.",
    ),
    ErrorCode.INVALID_LINK: (
        "Invalid link",
        "The link has been used, has expired, or a newer one has taken its place. Ask for a new one.",
    ),
    ErrorCode.INVALID_PRECONDITION: (
        "Invalid precondition",
        "The If-Match header is not in the expected form.",
    ),
    ErrorCode.INVALID_TOKEN: (
        "Invalid token",
        "The token is unknown, expired or revoked.",
    ),
    ErrorCode.LAST_IDENTITY: (
        "Last identity",
        "Without this identity nobody could log in to the account. Set a password first.",
    ),
    ErrorCode.LAST_OWNER: (
        "Last owner",
        "You are the last owner of {workspaces}. Name another owner there first.",
        "A workspace keeps at least one owner. Name another one first.",
    ),
    ErrorCode.LAST_STATUS: (
        "Last status",
        "A project keeps at least one status of each kind that it needs.",
    ),
    ErrorCode.LIMIT_REACHED: (
        "Limit reached",
        "The limit of {limit} {kind.many} is reached.",
        "A limit is reached.",
    ),
    ErrorCode.LOGIN_REQUIRED: (
        "Login required",
        "This is for people with an account of their own; {kind.a} has none.",
        "This takes somebody who is logged in: no API token may do it.",
    ),
    ErrorCode.MALFORMED_JSON: (
        "Malformed JSON",
        "The body of the request is not JSON that can be accepted.",
    ),
    ErrorCode.METHOD_NOT_ALLOWED: (
        "Method not allowed",
        "This address does not have that method. The Allow header lists those it has.",
    ),
    ErrorCode.NOT_FOUND: (
        "Not found",
        "{kind.The} does not exist or you cannot see it.",
        "This does not exist or you cannot see it.",
    ),
    ErrorCode.OUTCOME_UNKNOWN: (
        "Outcome unknown",
        "The database broke off during the write. Repeat the request with the same idempotency key.",
    ),
    ErrorCode.OVERLOADED: (
        "Overloaded",
        "The server has too much to do. Try again in a moment.",
    ),
    ErrorCode.PASSWORD_REQUIRED: (
        "Password required",
        "This link has a password. Send it as well.",
    ),
    ErrorCode.PERMISSION_DENIED: (
        "Permission denied",
        "This needs the role {role}, and of an API token the scope *:*.",
        "This needs the permission {permission}.",
        "You do not have the permission to do this.",
    ),
    ErrorCode.PRECONDITION_FAILED: (
        "Precondition failed",
        "Nothing is there that {header} could match.",
        "The object has changed since you read it. Read it again and redo your change.",
    ),
    ErrorCode.PRECONDITION_REQUIRED: (
        "Precondition required",
        "Send the version that you change in the If-Match header.",
    ),
    ErrorCode.RANGE_NOT_SATISFIABLE: (
        "Range not satisfiable",
        "The range that was asked for lies outside the content.",
    ),
    ErrorCode.REAUTHENTICATION_REQUIRED: (
        "Prove again who you are",
        "This needs a login of the last minutes: prove again who you are, then repeat the request.",
    ),
    ErrorCode.REGISTRATION_CLOSED: (
        "Registration closed",
        "You cannot register like this: {reason}.",
        "Nobody can register here. Ask whoever runs this server for an account.",
    ),
    ErrorCode.REPEATED_PARAMETER: (
        "Repeated parameter",
        "The parameter {parameter} may be given only once.",
        "A parameter was given more than once.",
    ),
    ErrorCode.SECOND_FACTOR_REQUIRED: (
        "Login without a second factor",
        "This is for logins with a second factor. Add one to your account, or log in with it.",
    ),
    ErrorCode.SERVER_STOPPING: (
        "Server stopping",
        "The server is stopping. Try again in a moment.",
    ),
    ErrorCode.SYNC_RESET: (
        "Begin again",
        "The changes since this cursor cannot be told. Fetch a snapshot and go on from there.",
    ),
    ErrorCode.TOO_MANY_REQUESTS: (
        "Too many requests",
        "Too many attempts. Wait before you try again.",
    ),
    ErrorCode.TRASHED: (
        "In the trash",
        "{kind.The} is in the trash and cannot change until it is restored.",
        "It is in the trash and cannot change until it is restored.",
    ),
    ErrorCode.UNDO_CONFLICT: (
        "Cannot undo",
        "This cannot be undone: {reason}. Its last change is event {event}.",
        "This cannot be undone: {reason}.",
        "This cannot be undone.",
    ),
    ErrorCode.UNKNOWN_PARAMETER: (
        "Unknown parameter",
        "The parameter {parameter} does not exist here.",
        "A parameter does not exist here.",
    ),
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: (
        "Unsupported media type",
        "The Content-Type must be {expected}.",
        "The body is not in a form that this address accepts.",
    ),
    ErrorCode.URI_TOO_LONG: (
        "Address too long",
        "The address with its query is longer than {limit} bytes.",
        "The address with its query is too long.",
    ),
    ErrorCode.VALIDATION_FAILED: (
        "Validation failed",
        "Some values cannot be accepted. The list of errors says which and why.",
    ),
    ErrorCode.WRONG_ACCOUNT: (
        "Wrong account",
        "The invitation was sent to another address than your account's.",
    ),
    ErrorCode.WRONG_STATE: (
        "Wrong state",
        "{kind.The} is in the state {state}, which does not allow this.",
        "This cannot be done: {reason}.",
        "Its state does not allow this.",
    ),
    ErrorCode.WRONG_VISIBILITY: (
        "Wrong visibility",
        "The project is not open to public links: its visibility is not `link`.",
    ),
}

FIELDS: dict[FieldCode, tuple[str, ...]] = {
    FieldCode.BLANK: ("The text must not be blank.",),
    FieldCode.CHANGED_SINCE: ("The value has been changed again since.",),
    FieldCode.COMMON_PASSWORD: (
        "The password is among those that are guessed first: {reason}.",
        "The password is among those that are guessed first.",
    ),
    FieldCode.DUPLICATE_ITEM: ("The same item is there more than once.",),
    FieldCode.DUPLICATE_KEY: ("The same member is there more than once.",),
    FieldCode.INVALID_CHOICE: (
        "The value must be one of: {choices}.",
        "Only one of these may be given: {exclusive}.",
        "The value is not one of the choices.",
    ),
    FieldCode.INVALID_DATE: ("The value is not a valid date or time.",),
    FieldCode.INVALID_FORMAT: ("The value is not in the expected form.",),
    FieldCode.INVALID_ID: ("The value is not a valid identifier.",),
    FieldCode.MALFORMED: ("The text is not JSON.",),
    FieldCode.MISSING: ("The value is missing.",),
    FieldCode.NOT_FINITE: ("The number must be finite.",),
    FieldCode.NOT_FOUND: ("{kind.The} does not exist or you cannot see it.", "It does not exist."),
    FieldCode.OUT_OF_RANGE: (
        "The value must be between {min} and {max}.",
        "The value must be at least {min}.",
        "The value must be at most {max}.",
        "The value must be greater than {above}.",
        "The value must be less than {below}.",
        "The value is out of range.",
    ),
    FieldCode.READ_ONLY: ("The value cannot be changed.",),
    FieldCode.REFUSED: (
        "It is refused: {reason}: {choices}.",
        "It is refused: {reason}.",
        "It is refused for the reason that the problem gives.",
    ),
    FieldCode.REPEATED: ("The value may be given only once.",),
    FieldCode.TAKEN: ("The value is taken already.",),
    FieldCode.TOO_DEEP: ("The value has too many levels.",),
    FieldCode.TOO_FEW: ("There must be at least {limit} items.", "There are too few items."),
    FieldCode.TOO_LARGE: ("The value must not be larger than {limit} bytes.", "The value is too large."),
    FieldCode.TOO_LONG: ("The text must not be longer than {limit} characters.", "The text is too long."),
    FieldCode.TOO_MANY: ("There must be at most {limit} items.", "There are too many items."),
    FieldCode.TOO_SHORT: ("The text must have at least {limit} characters.", "The text is too short."),
    FieldCode.UNKNOWN_FIELD: ("Nothing of this name exists here.",),
    FieldCode.UNSAFE_TEXT: ("The text has characters that are not accepted.",),
    FieldCode.WRONG_ORDER: ("The end must not be before the start.",),
    FieldCode.WRONG_TYPE: ("The value must be of the type {expected}.", "The value has the wrong type."),
}

REASONS: dict[str, str] = {
    "changed_since": "the object has changed since then",
    "counted_by_admins": "only owners and admins may have the whole log counted",
    "foreign_address": "it must be at one of these",
    "fragment": "an address to return to has nothing behind a #",
    "gone": "the object does not exist any more",
    "invited_only": "only who is invited may; ask for an invitation and send its token as `invitation`",
    "kept_back": "these permissions are for owners and admins alone",
    "no_address": "a service account has no e-mail address",
    "no_custom_role": "only the role member can have a custom role in its place",
    "no_scope": "no permission is called so; scopes are for example",
    "no_password": "the account has no password; log in again with its provider",
    "not_mailed": "it was not mailed, but is a link; revoke it and make another",
    "not_placeholder": "the member is no placeholder, as only a person without an account is",
    "not_undoable": "an action of this kind is final",
    "password_missing": "the password is missing, which comes with a code; only a passkey is enough alone",
    "own_name": "it is little more than your address or the name of this program",
    "past": "the time is past",
}

# The article, the singular, the plural.
NOUNS: dict[str, tuple[str, str, str]] = {
    "account": ("an", "account", "accounts"),
    "activity": ("an", "activity", "activities"),
    "attachment": ("an", "attachment", "attachments"),
    "avatar": ("an", "avatar", "avatars"),
    "color": ("a", "colour", "colours"),
    "comment": ("a", "comment", "comments"),
    "dependency": ("a", "dependency", "dependencies"),
    "document": ("a", "document", "documents"),
    "email": ("an", "e-mail address", "e-mail addresses"),
    "event": ("an", "event", "events"),
    "export": ("an", "export", "exports"),
    "factor": ("a", "second factor", "second factors"),
    "file": ("a", "file", "files"),
    "grant": ("a", "grant", "grants"),
    "id": ("an", "identifier", "identifiers"),
    "idempotency_key": ("an", "idempotency key", "idempotency keys"),
    "identity": ("an", "identity", "identities"),
    "identity_provider": ("an", "identity provider", "identity providers"),
    "import": ("an", "import", "imports"),
    "invitation": ("an", "invitation", "invitations"),
    "item": ("an", "item", "items"),
    "key": ("a", "key", "keys"),
    "link": ("a", "link", "links"),
    "label": ("a", "label", "labels"),
    "login": ("a", "login", "logins"),
    "member": ("a", "member", "members"),
    "membership": ("a", "membership", "memberships"),
    "milestone": ("a", "milestone", "milestones"),
    "name": ("a", "name", "names"),
    "notification": ("a", "notification", "notifications"),
    "passkey": ("a", "passkey", "passkeys"),
    "position": ("a", "position", "positions"),
    "project": ("a", "project", "projects"),
    "request": ("a", "request", "requests"),
    "resource": ("a", "resource", "resources"),
    "role": ("a", "role", "roles"),
    "section": ("a", "section", "sections"),
    "service_account": ("a", "service account", "service accounts"),
    "session": ("a", "session", "sessions"),
    "slug": ("a", "short name", "short names"),
    "status": ("a", "status", "statuses"),
    "subtask": ("a", "subtask", "subtasks"),
    "task": ("a", "task", "tasks"),
    "team": ("a", "team", "teams"),
    "template": ("a", "template", "templates"),
    "title": ("a", "title", "titles"),
    "token": ("a", "token", "tokens"),
    "user": ("a", "user", "users"),
    "view": ("a", "view", "views"),
    "webhook": ("a", "webhook", "webhooks"),
    "workspace": ("a", "workspace", "workspaces"),
}

# What a kind without a noun is called.
THING = ("an", "object", "objects")
