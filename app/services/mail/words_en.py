"""The English words of the mails."""
# ruff: noqa: E501 - paragraphs, each in one piece

from app.models.mails import Letter
from app.services.mail.words import Words

FOOTER = "This mail was written by Pastis at {public_url}. Answers to it are not read."

LETTERS: dict[Letter, Words] = {
    Letter.ADDRESS_IN_USE: Words(
        "This address has an account already",
        (
            "Somebody, perhaps you, wanted to use this address for an account with Pastis. It has one already.",
            "Log in with it, or have its password set anew if you have forgotten it. If it was not you, there is nothing to do.",
        ),
    ),
    Letter.EMAIL_CHANGE: Words(
        "Confirm your new address",
        ("Somebody, perhaps you, wants to use this address for their account with Pastis.",),
        "Use this address",
        ("The link works once, for 24 hours. If it was not you, there is nothing to do.",),
    ),
    Letter.EMAIL_CHANGED: Words(
        "Your address has been changed",
        (
            "Your account with Pastis has a new address: {email}. This one does not belong to it any more.",
            "If it was not you, tell whoever runs this server at once.",
        ),
    ),
    Letter.EMAIL_CHANGE_REQUESTED: Words(
        "A new address was asked for",
        (
            "Somebody who is logged in to your account wants to change its address to {email}. It changes when that is confirmed by the mail sent there.",
            "If it was not you, change your password: that also ends the link in that mail.",
        ),
    ),
    Letter.INVITATION: Words(
        "You are invited to a workspace",
        ("{inviter} invites you to the workspace “{workspace}” on Pastis.",),
        "Look at the invitation",
        (
            "The link works once, until {expires} (UTC), for an account with this address; you can make one with it. If you do not know {inviter}, there is nothing to do.",
        ),
    ),
    Letter.INVITATION_OF_ACCOUNTS: Words(
        "You are invited to a workspace",
        ("{inviter} invites you to the workspace “{workspace}” on Pastis.",),
        "Look at the invitation",
        (
            "The link works once, until {expires} (UTC), for an account with this address. If you have none, ask whoever runs this server for one. If you do not know {inviter}, there is nothing to do.",
        ),
    ),
    Letter.PASSWORD_CHANGED: Words(
        "Your password has been changed",
        (
            "The password of your account with Pastis has been set anew. Logins elsewhere have ended.",
            "If it was not you, tell whoever runs this server at once.",
        ),
    ),
    Letter.PASSWORD_RESET: Words(
        "Set a new password",
        ("Somebody, perhaps you, asked for a new password for your account with Pastis.",),
        "Set a new password",
        (
            "The link works once, for an hour. If it was not you, there is nothing to do: your password stays as it is.",
        ),
    ),
    Letter.REGISTRATION: Words(
        "Complete your registration",
        ("Somebody, perhaps you, wants to make an account with Pastis for this address.",),
        "Make the account",
        ("The link works once, for 24 hours. If it was not you, there is nothing to do.",),
    ),
    Letter.TEST: Words(
        "A test",
        ("This server can send mails.",),
    ),
}
