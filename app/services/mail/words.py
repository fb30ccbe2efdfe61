"""The form of a letter's words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Paragraphs around a link, which is there where `action` names it. `{...}` stands for a value."""

    subject: str
    before: tuple[str, ...]
    action: str = ""
    after: tuple[str, ...] = ()
