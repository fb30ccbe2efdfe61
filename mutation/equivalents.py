"""Guards that nothing depends on by themselves, each with the reason; the run does not judge them."""

EQUIVALENT: dict[str, str] = {}
