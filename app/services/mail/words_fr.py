"""The French words of the mails."""
# ruff: noqa: E501 - paragraphs, each in one piece

from app.models.mails import Letter
from app.services.mail.words import Words

FOOTER = "Ce message a été écrit par Pastis sur {public_url}. Les réponses ne sont pas lues."

LETTERS: dict[Letter, Words] = {
    Letter.ADDRESS_IN_USE: Words(
        "Cette adresse a déjà un compte",
        (
            "Quelqu'un, peut-être vous, a voulu utiliser cette adresse pour un compte Pastis. Elle en a déjà un.",
            "Connectez-vous avec elle, ou demandez un nouveau mot de passe si vous l'avez oublié. Si ce n'était pas vous, il n'y a rien à faire.",
        ),
    ),
    Letter.EMAIL_CHANGE: Words(
        "Confirmez votre nouvelle adresse",
        ("Quelqu'un, peut-être vous, veut utiliser cette adresse pour son compte Pastis.",),
        "Utiliser cette adresse",
        ("Le lien sert une fois, pendant 24 heures. Si ce n'était pas vous, il n'y a rien à faire.",),
    ),
    Letter.EMAIL_CHANGED: Words(
        "Votre adresse a été changée",
        (
            "Votre compte Pastis a une nouvelle adresse : {email}. Celle-ci ne lui appartient plus.",
            "Si ce n'était pas vous, dites-le tout de suite à qui gère ce serveur.",
        ),
    ),
    Letter.EMAIL_CHANGE_REQUESTED: Words(
        "Une nouvelle adresse a été demandée",
        (
            "Quelqu'un qui est connecté à votre compte veut remplacer son adresse par {email}. Elle change quand le message envoyé à celle-ci le confirme.",
            "Si ce n'était pas vous, changez votre mot de passe : le lien de ce message ne servira plus.",
        ),
    ),
    Letter.INVITATION: Words(
        "Vous êtes invité dans un espace de travail",
        ("{inviter} vous invite dans l'espace de travail « {workspace} » sur Pastis.",),
        "Voir l'invitation",
        (
            "Le lien sert une fois, jusqu'au {expires} (UTC), pour un compte à cette adresse ; il permet aussi de le créer. Si vous ne connaissez pas {inviter}, il n'y a rien à faire.",
        ),
    ),
    Letter.INVITATION_OF_ACCOUNTS: Words(
        "Vous êtes invité dans un espace de travail",
        ("{inviter} vous invite dans l'espace de travail « {workspace} » sur Pastis.",),
        "Voir l'invitation",
        (
            "Le lien sert une fois, jusqu'au {expires} (UTC), pour un compte à cette adresse. Si vous n'en avez pas, demandez-en un à qui gère ce serveur. Si vous ne connaissez pas {inviter}, il n'y a rien à faire.",
        ),
    ),
    Letter.PASSWORD_CHANGED: Words(
        "Votre mot de passe a été changé",
        (
            "Le mot de passe de votre compte Pastis a été remplacé. Les connexions ouvertes ailleurs sont fermées.",
            "Si ce n'était pas vous, dites-le tout de suite à qui gère ce serveur.",
        ),
    ),
    Letter.PASSWORD_RESET: Words(
        "Choisissez un nouveau mot de passe",
        ("Quelqu'un, peut-être vous, a demandé un nouveau mot de passe pour votre compte Pastis.",),
        "Choisir un nouveau mot de passe",
        (
            "Le lien sert une fois, pendant une heure. Si ce n'était pas vous, il n'y a rien à faire : votre mot de passe reste le même.",
        ),
    ),
    Letter.REGISTRATION: Words(
        "Terminez votre inscription",
        ("Quelqu'un, peut-être vous, veut créer un compte Pastis pour cette adresse.",),
        "Créer le compte",
        ("Le lien sert une fois, pendant 24 heures. Si ce n'était pas vous, il n'y a rien à faire.",),
    ),
    Letter.TEST: Words(
        "Un essai",
        ("Ce serveur sait envoyer des messages.",),
    ),
}
