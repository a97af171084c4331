"""Whether the lake's files are still the bytes that were written.

What belongs here: the SHA-256 of each file, kept from the end of the run that wrote it (``ops.lake_files``), and finding what
is missing or changed since. What does not: how files come and go (``lake``), or how a good one is had again (a backup).

Parquet as DuckDB writes it carries no checksums: of sixty single bits turned over in a file of transactions, 36 changed what
was read and raised nothing. Files are written once and never changed, so one hash each is enough.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.dialects.postgresql import insert

from resources.installation import Installation
from resources.lake import LakeError
from resources.ops_tables import LAKE_FILES

MOST_NAMED = 3

_FILES = """
    SELECT s.schema_name || '.' || t.table_name AS address, f.file_size_bytes AS size,
        CASE WHEN f.path_is_relative THEN
            CASE WHEN t.path_is_relative THEN s.path ELSE '' END || t.path ELSE '' END || f.path AS path
    FROM (
        SELECT table_id, path, path_is_relative, file_size_bytes FROM lake.ducklake_data_file
        UNION ALL SELECT table_id, path, path_is_relative, file_size_bytes FROM lake.ducklake_delete_file
    ) f JOIN (SELECT DISTINCT table_id, schema_id, table_name, path, path_is_relative FROM lake.ducklake_table) t USING (table_id)
    JOIN (SELECT DISTINCT schema_id, schema_name, path FROM lake.ducklake_schema) s USING (schema_id)
    ORDER BY address, path
"""


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A file of the catalogue: of which table, where, how long, and its hash where one has been kept."""

    address: str
    path: Path
    size: int
    sha256: str | None

    @property
    def harm(self) -> str | None:
        """What is wrong with it, in words; null when nothing is."""
        try:
            size = self.path.stat().st_size
        except OSError as error:
            return (
                "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
            )
        if size != self.size:
            return f"has {size} bytes instead of {self.size}"
        if self.sha256 is not None and _sha256(self.path) != self.sha256:
            return "is not what was written (its SHA-256 is another)"
        return None


def catalogued(connection: psycopg.Connection) -> Iterator[tuple[str, str, int, str | None]]:
    """Every file that any kept snapshot needs: address, path below the lake's folder, size, hash where one has been kept."""
    [there] = connection.execute("SELECT to_regclass('ops.lake_files')").fetchone() or (None,)
    # Its name is unique: DuckLake names it by a UUID. Before `manna migrate` there may be no table of hashes.
    hashes = connection.execute("SELECT name, sha256 FROM ops.lake_files").fetchall() if there else []
    known: dict[str, str] = dict(hashes)
    for address, size, path in connection.execute(_FILES).fetchall():
        yield address, path, size, known.get(path.rpartition("/")[2])


def lake_files(manna: Installation) -> list[LakeFile]:
    """Every file that any kept snapshot needs. None of a lake in a bucket, whose store keeps checksums of its own."""
    if manna.settings.lake_url is not None:
        return []
    folder = manna.settings.lake_dir
    with psycopg.connect(manna.postgres_url) as connection:
        found = catalogued(connection)
        return [LakeFile(address, folder / path, size, sha256) for address, path, size, sha256 in found]


def note_new(manna: Installation) -> int:
    """Keeps the hash of every file that has none yet; returns how many these were."""
    new = [file for file in lake_files(manna) if file.sha256 is None and file.harm is None]
    if new:
        rows = [{"name": file.path.name, "sha256": _sha256(file.path)} for file in new]
        # Two runs that end at once may both have read a file: they read the same.
        statement = insert(LAKE_FILES).on_conflict_do_nothing()
        with manna.ops.engine.begin() as connection:
            connection.execute(statement, sorted(rows, key=lambda row: row["name"]))
    return len(new)


def damaged(manna: Installation) -> Iterator[tuple[LakeFile, str]]:
    """Each file that is not as it was written, with what is wrong."""
    for file in lake_files(manna):
        if harm := file.harm:
            yield file, harm


def require_whole(manna: Installation) -> None:
    """Nothing, where every file is as it was written.

    Raises:
        LakeError: one is not: nothing may be made from it.
    """
    found = list(damaged(manna))
    if found:
        named = "; ".join(f"{file.path} of {file.address} {harm}" for file, harm in found[:MOST_NAMED])
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        raise LakeError(
            f"the lake is damaged: {named}{more}. Nothing is made from it. Check the disk, then bring the files back from "
            "a backup (`manna restore`); `manna doctor` names them all"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
