"""Which version of a model is in use, and which one was before it.

What belongs here: reading that off the uses, oldest first. What does not: where they are kept (``resources.models``).
"""

from collections.abc import Sequence


def standing(uses: Sequence[str | None]) -> list[str | None]:
    """The versions one would come back to, one after the other; the last is in use. None stands for no model.

    A version that is used again takes back all that came after it, so that going back twice goes back further.

    Args:
        uses: the version put into use each time, oldest first.
    """
    found: list[str | None] = [None]
    for version in uses:
        if version in found:
            del found[found.index(version) + 1 :]
        else:
            found.append(version)
    return found
