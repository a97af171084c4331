"""What the suite itself relies on."""

import os

import pytest


@pytest.mark.xdist_group("grouped")
def test_groups_are_heeded(request: pytest.FixtureRequest) -> None:
    """Without them dear fixtures are made twice and servers start beside each other, and nothing says so."""
    assert "PYTEST_XDIST_WORKER" not in os.environ or request.node.nodeid.endswith("@grouped")
