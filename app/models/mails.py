"""Every mail that Pastis writes; what waits to be delivered is a job."""

from enum import StrEnum


class Letter(StrEnum):
    ADDRESS_IN_USE = "address_in_use"
    EMAIL_CHANGE = "email_change"
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    INVITATION = "invitation"
    INVITATION_OF_ACCOUNTS = "invitation_of_accounts"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a letter, not a password
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the same
    REGISTRATION = "registration"
    TEST = "test"
