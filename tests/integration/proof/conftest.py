"""What these proofs share: pauses between attempts that are not made, for a whole module."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def no_pauses() -> Iterator[None]:
    """For properties, which cannot use the fixture `pauses` of each test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tenacity.nap.time.sleep", lambda _: None)
        yield
