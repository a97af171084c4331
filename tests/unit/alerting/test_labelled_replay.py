"""Every labelled incident is found in two years, and no alert is false."""

import pytest

from benchmarks.alerts import MEANINGS, measured


@pytest.mark.slow
def test_one_seed_of_the_labelled_replay() -> None:
    found = measured([1])
    assert found["missed"] == []
    assert found["false_alerts"] == []
    assert set(found["by_incident"]) == {kind for kind, meaning in MEANINGS.items() if meaning.must}
    assert found["incidents"] == found["found"] >= len(MEANINGS)
