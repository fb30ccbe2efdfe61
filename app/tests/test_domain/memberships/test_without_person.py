from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.services.memberships.rules import NOBODY, without_person

IDS = st.sampled_from(["m", "n"])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "display_name": st.sampled_from(["Ana", "Colin", NOBODY]),
        "user_id": st.sampled_from(["u", None]),
        "role": st.sampled_from(["owner", "member"]),
    },
)
OPS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["membership", "task"]),
            "id": IDS,
            "verb": st.sampled_from(["create", "update"]),
            "set": VALUES,
            "before": VALUES,
        }
    )
)


@given(OPS)
def test_only_the_person_of_this_membership_goes(ops: list[dict[str, Any]]) -> None:
    cleaned = without_person(ops, "m")
    assert len(cleaned) == len(ops)
    for old, new in zip(ops, cleaned, strict=True):
        if (old["kind"], old["id"]) != ("membership", "m"):
            assert new == old
            continue
        for part in ("set", "before"):
            assert new[part].keys() == old[part].keys()
            assert new[part].get("display_name", NOBODY) == NOBODY
            assert new[part].get("user_id") is None
            assert new[part].get("role") == old[part].get("role")
    assert without_person(cleaned, "m") == cleaned
