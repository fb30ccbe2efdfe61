"""The French words of the message service; `app.core.messages` says how a text is chosen and filled.

`{kind.e}` is the mark of the feminine that a participle takes after the noun.
"""

from app.core.errors import ErrorCode, FieldCode

# The title, then the details from the most to the least exact: the first whose params are all there is used.
PROBLEMS: dict[ErrorCode, tuple[str, ...]] = {
    ErrorCode.ACCOUNT_EXISTS: (
        "Compte existant",
        "Un compte a déjà cette adresse électronique. Connectez-vous à ce compte pour y lier cette identité.",
    ),
    ErrorCode.ALREADY_EXISTS: (
        "Existe déjà",
        "{kind.A} avec {field.this} existe déjà.",
        "{kind.The} existe déjà.",
        "Cela existe déjà.",
    ),
    ErrorCode.ARCHIVED: (
        "Archivé",
        "{kind.The} est archivé{kind.e} et ne peut pas changer avant d'être restauré{kind.e}.",
        "Cet objet est archivé et ne peut pas changer avant d'être restauré.",
    ),
    ErrorCode.AUTHENTICATION_REQUIRED: (
        "Authentification requise",
        "Connectez-vous, ou envoyez un jeton d'accès dans l'en-tête Authorization.",
    ),
    ErrorCode.BAD_REQUEST: (
        "Requête incorrecte",
        "La requête n'a pas pu être lue.",
    ),
    ErrorCode.BODY_TOO_LARGE: (
        "Corps trop volumineux",
        "Le corps de la requête dépasse {limit} octets.",
        "Le corps de la requête est trop volumineux.",
    ),
    ErrorCode.BOTH_CREDENTIALS: (
        "Deux authentifications",
        "N'en envoyez qu'une : un cookie de session ou un seul en-tête Authorization.",
    ),
    ErrorCode.CSRF_REFUSED: (
        "Requête d'un autre site",
        "Avec des cookies, il faut l'en-tête Origin de cette application et l'en-tête Pastis-Client.",
    ),
    ErrorCode.CYCLE: (
        "Cycle",
        "{kind.The} dépendrait {kind.of_itself}.",
        "Ce changement créerait un cycle.",
    ),
    ErrorCode.DATABASE_UNAVAILABLE: (
        "Base de données indisponible",
        "La base de données ne répond pas et rien n'a été modifié. Réessayez dans un instant.",
    ),
    ErrorCode.FACTOR_REQUIRED: (
        "Second facteur requis",
        "Cette connexion demande aussi un second facteur. Répondez avec l'un de ceux qui sont nommés.",
    ),
    ErrorCode.HEADERS_TOO_LARGE: (
        "En-têtes trop volumineux",
        "Les en-têtes de la requête dépassent {limit} octets.",
        "Les en-têtes de la requête sont trop volumineux.",
    ),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: (
        "Clé d'idempotence réutilisée",
        "Cette clé d'idempotence a déjà servi pour une requête différente.",
    ),
    ErrorCode.IDENTITY_PROVIDER_UNAVAILABLE: (
        "Fournisseur d'identité indisponible",
        "Le fournisseur d'identité ne répond pas comme il le devrait. Réessayez dans un instant.",
    ),
    ErrorCode.IDENTITY_REFUSED: (
        "Identité refusée",
        "La réponse du fournisseur d'identité ne prouve rien. Recommencez la connexion.",
    ),
    ErrorCode.IDENTITY_UNKNOWN: (
        "Identité inconnue",
        "Aucun compte n'appartient à cette identité. Demandez-en un à qui gère le serveur.",
    ),
    ErrorCode.IN_USE: (
        "Utilisé",
        "{kind.The} est encore utilisé{kind.e} (utilisations : {count}).",
        "{kind.The} est encore utilisé{kind.e}.",
        "Cet objet est encore utilisé.",
    ),
    ErrorCode.INTERNAL_ERROR: (
        "Erreur interne",
        "Une erreur s'est produite sur le serveur. Donnez le request_id à la personne qui l'administre.",
    ),
    ErrorCode.INVALID_CREDENTIALS: (
        "Identifiants incorrects",
        "Votre identité n'est pas prouvée : {reason}.",
        "Le mot de passe de {kind.this} est incorrect.",
        "L'adresse e-mail ou le mot de passe est incorrect.",
    ),
    ErrorCode.INVALID_CURSOR: (
        "Curseur incorrect",
        "Le curseur ne vient pas de cette liste. Recommencez depuis la première page.",
    ),
    ErrorCode.INVALID_FACTOR: (
        "Second facteur refusé",
        "Le code ou la clé d'accès n'est pas accepté. Un code ne sert qu'une fois, et à son heure.",
    ),
    ErrorCode.INVALID_IDEMPOTENCY_KEY: (
        "Clé d'idempotence incorrecte",
        "L'en-tête Idempotency-Key n'a pas la forme attendue.",
    ),
    ErrorCode.INVALID_LINK: (
        "Lien non valable",
        "Le lien a déjà servi, a expiré, ou un lien plus récent l'a remplacé. Demandez-en un nouveau.",
    ),
    ErrorCode.INVALID_PRECONDITION: (
        "Précondition incorrecte",
        "L'en-tête If-Match n'a pas la forme attendue.",
    ),
    ErrorCode.INVALID_TOKEN: (
        "Jeton incorrect",
        "Le jeton est inconnu, expiré ou révoqué.",
    ),
    ErrorCode.LAST_IDENTITY: (
        "Dernière identité",
        "Sans elle, personne ne pourrait se connecter au compte. Définissez d'abord un mot de passe.",
    ),
    ErrorCode.LAST_OWNER: (
        "Dernier propriétaire",
        "Vous êtes le dernier propriétaire de {workspaces}. Nommez-y d'abord un autre propriétaire.",
        "Un espace de travail garde au moins un propriétaire. Nommez-en d'abord un autre.",
    ),
    ErrorCode.LAST_STATUS: (
        "Dernier statut",
        "Un projet garde au moins un statut de chaque genre dont il a besoin.",
    ),
    ErrorCode.LIMIT_REACHED: (
        "Limite atteinte",
        "La limite de {limit} {kind.many} est atteinte.",
        "Une limite est atteinte.",
    ),
    ErrorCode.LOGIN_REQUIRED: (
        "Connexion requise",
        "Ceci est pour qui a son propre compte, et {kind.a} n'en a pas.",
        "Il faut quelqu'un qui soit connecté : aucun jeton d'API ne peut faire cela.",
    ),
    ErrorCode.MALFORMED_JSON: (
        "JSON incorrect",
        "Le corps de la requête n'est pas du JSON acceptable.",
    ),
    ErrorCode.METHOD_NOT_ALLOWED: (
        "Méthode non permise",
        "Cette adresse n'a pas cette méthode. L'en-tête Allow donne celles qu'elle a.",
    ),
    ErrorCode.NOT_FOUND: (
        "Introuvable",
        "{kind.The} n'existe pas ou vous n'y avez pas accès.",
        "Cet objet n'existe pas ou vous n'y avez pas accès.",
    ),
    ErrorCode.OUTCOME_UNKNOWN: (
        "Issue inconnue",
        "La base de données a lâché pendant l'écriture. Répétez la requête avec la même clé d'idempotence.",
    ),
    ErrorCode.OVERLOADED: (
        "Surcharge",
        "Le serveur a trop à faire. Réessayez dans un instant.",
    ),
    ErrorCode.PASSWORD_REQUIRED: (
        "Mot de passe requis",
        "Ce lien a un mot de passe. Envoyez-le aussi.",
    ),
    ErrorCode.PERMISSION_DENIED: (
        "Permission refusée",
        "Il faut pour cela le rôle {role} et, d'un jeton d'API, la portée *:*.",
        "Il faut pour cela la permission {permission}.",
        "Vous n'avez pas la permission de faire cela.",
    ),
    ErrorCode.PRECONDITION_FAILED: (
        "Précondition non remplie",
        "Il n'y a rien à quoi {header} pourrait correspondre.",
        "L'objet a changé depuis votre lecture. Relisez-le et refaites votre changement.",
    ),
    ErrorCode.PRECONDITION_REQUIRED: (
        "Précondition requise",
        "Envoyez dans l'en-tête If-Match la version que vous changez.",
    ),
    ErrorCode.RANGE_NOT_SATISFIABLE: (
        "Intervalle impossible",
        "L'intervalle demandé est hors du contenu.",
    ),
    ErrorCode.REAUTHENTICATION_REQUIRED: (
        "Identité à confirmer",
        "Il faut s'être identifié dans les dernières minutes : confirmez votre identité, puis réessayez.",
    ),
    ErrorCode.REGISTRATION_CLOSED: (
        "Inscriptions fermées",
        "Vous ne pouvez pas vous inscrire ainsi : {reason}.",
        "Personne ne peut s'inscrire ici. Demandez un compte à qui gère ce serveur.",
    ),
    ErrorCode.REPEATED_PARAMETER: (
        "Paramètre répété",
        "Le paramètre {parameter} ne peut être donné qu'une fois.",
        "Un paramètre a été donné plus d'une fois.",
    ),
    ErrorCode.SECOND_FACTOR_REQUIRED: (
        "Connexion sans second facteur",
        "Il faut une connexion avec un second facteur. Ajoutez-en un à votre compte, ou utilisez-le.",
    ),
    ErrorCode.SERVER_STOPPING: (
        "Arrêt du serveur",
        "Le serveur s'arrête. Réessayez dans un instant.",
    ),
    ErrorCode.SYNC_RESET: (
        "À recommencer",
        "Les changements depuis ce curseur ne peuvent être donnés. Repartez d'un instantané.",
    ),
    ErrorCode.TOO_MANY_REQUESTS: (
        "Trop de requêtes",
        "Trop de tentatives. Attendez avant de réessayer.",
    ),
    ErrorCode.TRASHED: (
        "Dans la corbeille",
        "{kind.The} est dans la corbeille et ne peut pas changer avant d'être restauré{kind.e}.",
        "Cet objet est dans la corbeille et ne peut pas changer avant d'être restauré.",
    ),
    ErrorCode.UNDO_CONFLICT: (
        "Annulation impossible",
        "Cette action ne peut pas être annulée : {reason}. Son dernier changement est l'événement {event}.",
        "Cette action ne peut pas être annulée : {reason}.",
        "Cette action ne peut pas être annulée.",
    ),
    ErrorCode.UNKNOWN_PARAMETER: (
        "Paramètre inconnu",
        "Le paramètre {parameter} n'existe pas ici.",
        "Un paramètre n'existe pas ici.",
    ),
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: (
        "Type de contenu refusé",
        "Le Content-Type doit être {expected}.",
        "Le corps n'a pas une forme que cette adresse accepte.",
    ),
    ErrorCode.URI_TOO_LONG: (
        "Adresse trop longue",
        "L'adresse avec ses paramètres dépasse {limit} octets.",
        "L'adresse avec ses paramètres est trop longue.",
    ),
    ErrorCode.VALIDATION_FAILED: (
        "Validation refusée",
        "Certaines valeurs ne sont pas acceptables. La liste des erreurs dit lesquelles et pourquoi.",
    ),
    ErrorCode.WRONG_ACCOUNT: (
        "Autre compte",
        "L'invitation a été envoyée à une autre adresse que celle de votre compte.",
    ),
    ErrorCode.WRONG_STATE: (
        "État incompatible",
        "{kind.The} est dans l'état {state}, qui ne permet pas cette action.",
        "Cela n'est pas possible : {reason}.",
        "Son état ne permet pas cette action.",
    ),
    ErrorCode.WRONG_VISIBILITY: (
        "Visibilité incompatible",
        "Le projet n'est pas ouvert aux liens publics : sa visibilité n'est pas `link`.",
    ),
}

FIELDS: dict[FieldCode, tuple[str, ...]] = {
    FieldCode.BLANK: ("Le texte ne doit pas être vide.",),
    FieldCode.CHANGED_SINCE: ("La valeur a encore été changée depuis.",),
    FieldCode.COMMON_PASSWORD: (
        "Le mot de passe est de ceux que l'on devine en premier : {reason}.",
        "Le mot de passe est de ceux que l'on devine en premier.",
    ),
    FieldCode.DUPLICATE_ITEM: ("Le même élément est présent plusieurs fois.",),
    FieldCode.DUPLICATE_KEY: ("Le même membre est présent plusieurs fois.",),
    FieldCode.INVALID_CHOICE: (
        "La valeur doit être l'une de celles-ci : {choices}.",
        "Un seul de ceux-ci peut être donné : {exclusive}.",
        "La valeur n'est pas un des choix possibles.",
    ),
    FieldCode.INVALID_DATE: ("La valeur n'est pas une date ou une heure correcte.",),
    FieldCode.INVALID_FORMAT: ("La valeur n'a pas la forme attendue.",),
    FieldCode.INVALID_ID: ("La valeur n'est pas un identifiant correct.",),
    FieldCode.MALFORMED: ("Le texte n'est pas du JSON.",),
    FieldCode.MISSING: ("La valeur manque.",),
    FieldCode.NOT_FINITE: ("Le nombre doit être fini.",),
    FieldCode.NOT_FOUND: ("{kind.The} n'existe pas ou vous n'y avez pas accès.", "Cet objet n'existe pas."),
    FieldCode.OUT_OF_RANGE: (
        "La valeur doit être entre {min} et {max}.",
        "La valeur doit être au moins {min}.",
        "La valeur doit être au plus {max}.",
        "La valeur doit être supérieure à {above}.",
        "La valeur doit être inférieure à {below}.",
        "La valeur est hors des limites.",
    ),
    FieldCode.READ_ONLY: ("La valeur ne peut pas être changée.",),
    FieldCode.REFUSED: (
        "Refusé, car {reason} : {choices}.",
        "Refusé, car {reason}.",
        "Refusé pour la raison que donne le problème.",
    ),
    FieldCode.REPEATED: ("La valeur ne peut être donnée qu'une fois.",),
    FieldCode.TAKEN: ("La valeur est déjà prise.",),
    FieldCode.TOO_DEEP: ("La valeur a trop de niveaux.",),
    FieldCode.TOO_FEW: ("Le nombre d'éléments doit être au moins {limit}.", "Il y a trop peu d'éléments."),
    FieldCode.TOO_LARGE: ("La valeur ne doit pas dépasser {limit} octets.", "La valeur est trop grande."),
    FieldCode.TOO_LONG: ("Le texte ne doit pas dépasser {limit} caractères.", "Le texte est trop long."),
    FieldCode.TOO_MANY: ("Le nombre d'éléments doit être au plus {limit}.", "Il y a trop d'éléments."),
    FieldCode.TOO_SHORT: (
        "Le nombre de caractères du texte doit être au moins {limit}.",
        "Le texte est trop court.",
    ),
    FieldCode.UNKNOWN_FIELD: ("Rien de ce nom n'existe ici.",),
    FieldCode.UNSAFE_TEXT: ("Le texte a des caractères qui ne sont pas acceptés.",),
    FieldCode.WRONG_ORDER: ("La fin ne doit pas précéder le début.",),
    FieldCode.WRONG_TYPE: ("La valeur doit être du type {expected}.", "La valeur n'est pas du bon type."),
}

REASONS: dict[str, str] = {
    "changed_since": "l'objet a changé depuis",
    "counted_by_admins": "seuls propriétaires et administrateurs peuvent faire compter tout le journal",
    "foreign_address": "elle doit se trouver à l'une de ces adresses",
    "fragment": "une adresse de retour n'a rien derrière un #",
    "gone": "l'objet n'existe plus",
    "invited_only": "il faut une invitation ; demandez-en une et envoyez son jeton comme `invitation`",
    "kept_back": "ces permissions sont réservées aux propriétaires et aux administrateurs",
    "no_address": "un compte de service n'a pas d'adresse e-mail",
    "no_custom_role": "seul le rôle member peut être remplacé par un rôle personnalisé",
    "no_scope": "aucune permission ne s'appelle ainsi, mais par exemple",
    "no_password": "le compte n'a pas de mot de passe ; reconnectez-vous par son fournisseur",
    "not_mailed": "elle n'a pas été envoyée, c'est un lien ; révoquez-la et faites-en une autre",
    "not_placeholder": "ce membre n'est pas provisoire, comme seule l'est une personne sans compte",
    "not_undoable": "une action de ce genre est définitive",
    "password_missing": "il manque le mot de passe, qui accompagne un code ; seule une clé d'accès suffit",
    "own_name": "il n'est guère plus que votre adresse ou le nom de ce logiciel",
    "past": "l'heure est passée",
}

# The gender (m or f), the singular, the plural.
NOUNS: dict[str, tuple[str, str, str]] = {
    "account": ("m", "compte", "comptes"),
    "activity": ("f", "activité", "activités"),
    "attachment": ("f", "pièce jointe", "pièces jointes"),
    "avatar": ("m", "avatar", "avatars"),
    "color": ("f", "couleur", "couleurs"),
    "comment": ("m", "commentaire", "commentaires"),
    "dependency": ("f", "dépendance", "dépendances"),
    "document": ("m", "document", "documents"),
    "email": ("f", "adresse e-mail", "adresses e-mail"),
    "event": ("m", "événement", "événements"),
    "export": ("m", "export", "exports"),
    "factor": ("m", "second facteur", "seconds facteurs"),
    "file": ("m", "fichier", "fichiers"),
    "grant": ("m", "droit", "droits"),
    "id": ("m", "identifiant", "identifiants"),
    "idempotency_key": ("f", "clé d'idempotence", "clés d'idempotence"),
    "identity": ("f", "identité", "identités"),
    "identity_provider": ("m", "fournisseur d'identité", "fournisseurs d'identité"),
    "import": ("m", "import", "imports"),
    "invitation": ("f", "invitation", "invitations"),
    "item": ("m", "élément", "éléments"),
    "key": ("f", "clé", "clés"),
    "link": ("m", "lien", "liens"),
    "label": ("f", "étiquette", "étiquettes"),
    "login": ("f", "connexion", "connexions"),
    "member": ("m", "membre", "membres"),
    "membership": ("f", "adhésion", "adhésions"),
    "milestone": ("m", "jalon", "jalons"),
    "name": ("m", "nom", "noms"),
    "notification": ("f", "notification", "notifications"),
    "passkey": ("f", "clé d'accès", "clés d'accès"),
    "position": ("f", "position", "positions"),
    "project": ("m", "projet", "projets"),
    "request": ("f", "requête", "requêtes"),
    "resource": ("f", "ressource", "ressources"),
    "role": ("m", "rôle", "rôles"),
    "section": ("f", "section", "sections"),
    "service_account": ("m", "compte de service", "comptes de service"),
    "session": ("f", "session", "sessions"),
    "slug": ("m", "nom court", "noms courts"),
    "status": ("m", "statut", "statuts"),
    "subtask": ("f", "sous-tâche", "sous-tâches"),
    "task": ("f", "tâche", "tâches"),
    "team": ("f", "équipe", "équipes"),
    "template": ("m", "modèle", "modèles"),
    "title": ("m", "titre", "titres"),
    "token": ("m", "jeton", "jetons"),
    "user": ("m", "utilisateur", "utilisateurs"),
    "view": ("f", "vue", "vues"),
    "webhook": ("m", "webhook", "webhooks"),
    "workspace": ("m", "espace de travail", "espaces de travail"),
}

# What a kind without a noun is called.
THING = ("m", "objet", "objets")
