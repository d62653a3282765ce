"""How the reading of a target by which someone was found differs from what was typed."""

from collections.abc import Sequence

from bot.spellings import bare


def difference(target: str, read: str) -> tuple[Sequence[str], str]:
    """Return what was left out of a target to read it so, and what else is different, in words (empty: nothing)."""
    if read in target:
        before, _, after = target.rpartition(read)
        return [each for each in (before.strip(), after.strip()) if each], ""
    signs = "without the signs around it, " if bare(target) != target else ""
    return [], f"{signs}with {'other capital letters' if target.isascii() else 'its letters in another form'}"
