"""A lake on object storage: the bucket its Parquet files are in, and how DuckDB is given the keys to it.

What belongs here: S3 and what speaks its protocol (``AWS_ENDPOINT_URL``), with a fixed pair of keys. What does not: the lake
itself (``resources.lake``). Not supported: other protocols, and credentials that change while a process runs (roles, tokens).
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import duckdb

from resources.duckdb_extensions import extension, quoted


class BucketError(Exception):
    """The bucket cannot be used. One line that says what to do, without a key in it."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where the lake's files are: ``s3://BUCKET/FOLDER``; ``endpoint`` is the address of a store that is not Amazon's."""

    url: str
    region: str
    endpoint: str | None
    key_id: str = field(repr=False)
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return self.url

    def open_for(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Lets ``connection`` read and write this folder of the bucket, and nothing else.

        Raises:
            BucketError: it does not answer, there is no such bucket, or the keys do not open it.
        """
        connection.execute(f"LOAD '{extension('httpfs')}'")
        given = {
            "KEY_ID": self.key_id,
            "SECRET": self.secret,
            "REGION": self.region,
            "SCOPE": self.url,
            **self._address(),
        }
        options = ", ".join(f"{name} '{quoted(value)}'" for name, value in given.items())
        connection.execute(f"CREATE SECRET lake (TYPE s3, {options})")
        try:
            # The first page of its list: what else is wrong would be told of by the first write, in the middle of a night.
            connection.execute(f"SELECT 1 FROM glob('{quoted(self.url)}/*') LIMIT 1")
        except duckdb.Error:
            raise BucketError(
                f"cannot open {self.url}; check MANNA_LAKE_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and "
                "AWS_ENDPOINT_URL"
            ) from None

    def _address(self) -> dict[str, str]:
        if self.endpoint is None:
            return {}
        parts = urlsplit(self.endpoint)
        # Stores of one's own seldom have a name per bucket.
        return {
            "ENDPOINT": parts.netloc,
            "URL_STYLE": "path",
            "USE_SSL": str(parts.scheme == "https").lower(),
        }
