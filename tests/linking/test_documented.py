"""The table of acts in the documentation is the one that is asked (RO-6)."""

from pathlib import Path

from app.linking.acts import ACTS, Need

PAGE = Path(__file__).parents[2] / "docs" / "crossing.md"


def _row(act: str, need: Need) -> str:
    role = need.role.value.lower().removesuffix("_account")
    tag = f"`{need.tagged.value}` = LicenseManager" if need.tagged else ""
    return f"| {act} | {role} | `{need.action}` | {need.on.value} | {tag} |"


def test_the_page_lists_every_action_of_every_act() -> None:
    """In the table's order, and no other."""
    wanted = [_row(act.value, need) for act, needs in ACTS.items() for need in needs]
    written = PAGE.read_text(encoding="utf-8").split("| act | role | action |")[1].splitlines()[2:]
    assert written == wanted
