"""A lake whose files are in a bucket: a real DuckLake, and a server that speaks S3's protocol over HTTP."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import polars as pl
import pytest
from cryptography.fernet import Fernet
from moto.server import ThreadedMotoServer

from manna.contracts.clean import QUARANTINE
from resources.backup import BackupError, backups, make_backup
from resources.bucket import Bucket
from resources.installation import Installation
from resources.lake import INLINED_ROWS, LakeError
from resources.restoring import restore, vault_and_key
from resources.schema import make_ready
from resources.settings import Settings, SettingsError

pytestmark = pytest.mark.slow  # the server alone takes two seconds to import

TABLE = QUARANTINE.address
URL, REGION, KEY_ID, SECRET = "s3://lake/of/ours", "eu-central-1", "the-key-id", "the-secret-key"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def bucket(endpoint: str) -> "boto3.resources.base.ServiceResource":
    session = boto3.Session(aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET, region_name=REGION)
    return session.resource("s3", endpoint_url=endpoint).create_bucket(
        Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION}
    )


def settings(database: str, endpoint: str, **more: str) -> Settings:
    given = {
        "MANNA_POSTGRES_URL": database,
        "MANNA_LAKE_URL": URL + "/",
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
    }
    return Settings.load(_env_file=None, **(given | more))


def test_the_files_are_in_the_bucket_and_two_processes_worth_of_connections_read_them(
    empty_database: str, endpoint: str, bucket: "boto3.resources.base.ServiceResource"
) -> None:
    manna = Installation(settings(empty_database, endpoint))
    lake = manna.lake
    make_ready(manna)
    whole = _rows(2 * INLINED_ROWS)
    lake.commit([TABLE], lambda transaction: transaction.replace(TABLE, whole))
    before = lake.snapshot()
    lake.commit([TABLE], lambda transaction: transaction.replace(TABLE, whole.head(INLINED_ROWS)))
    keys = [found.key for found in bucket.objects.all()]
    assert keys
    assert all(key.startswith("of/ours/clean/quarantine/") and key.endswith(".parquet") for key in keys)
    other = Installation(settings(empty_database, endpoint)).lake
    assert other.read(TABLE).height == INLINED_ROWS
    assert other.read_at(TABLE, before).height == 2 * INLINED_ROWS
    assert not manna.settings.lake_dir.exists()
    for opened in (lake, other):
        opened.close()


def test_a_backup_has_the_bucket_s_files_and_is_restored_into_a_folder(
    empty_database: str, endpoint: str, bucket: "boto3.resources.base.ServiceResource", tmp_path: Path
) -> None:
    given = settings(
        empty_database,
        endpoint,
        MANNA_LAKE_URL="s3://lake/backed-up",
        MANNA_DATA_DIR=str(tmp_path / "data"),
        MANNA_KEY=Fernet.generate_key().decode(),
    )
    manna = Installation(given)
    make_ready(manna)
    manna.lake.commit([TABLE], lambda transaction: transaction.replace(TABLE, _rows(2 * INLINED_ROWS)))
    assert [found.key for found in bucket.objects.filter(Prefix="backed-up/")]
    made = make_backup(manna, tmp_path / "backups")
    vault, key = vault_and_key(given, None)
    # It compares every table with what was backed up.
    restore(made.file, tmp_path / "restored", vault, key=key, postgres_url=None)
    assert list((tmp_path / "restored" / "lake").rglob("*.parquet"))
    for found in bucket.objects.filter(Prefix="backed-up/"):
        found.delete()
    with pytest.raises(
        BackupError, match=r"s3://lake/backed-up/.*parquet cannot be read: nothing was written"
    ):
        make_backup(manna, tmp_path / "others")
    assert backups(tmp_path / "others") == []
    manna.close()


@pytest.mark.parametrize(
    "wrong",
    [{"MANNA_LAKE_URL": "s3://elsewhere/x"}, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}],
)
def test_a_bucket_that_does_not_open_is_one_line_without_a_key(
    empty_database: str, endpoint: str, wrong: dict[str, str]
) -> None:
    lake = Installation(settings(empty_database, endpoint, **wrong)).lake
    with pytest.raises(LakeError) as caught:
        lake.snapshot()
    message = str(caught.value)
    assert message.startswith(f"cannot open {wrong.get('MANNA_LAKE_URL', URL)}; check MANNA_LAKE_URL")
    assert "\n" not in message
    assert SECRET not in f"{message}{caught.value.__cause__}"


def test_a_bucket_needs_keys(database: str) -> None:
    manna = Installation(Settings.load(_env_file=None, MANNA_POSTGRES_URL=database, MANNA_LAKE_URL=URL))
    with pytest.raises(SettingsError, match="MANNA_LAKE_URL needs AWS_ACCESS_KEY_ID and AWS_SECRET"):
        manna.lake  # noqa: B018  it is made when first asked for


def test_keys_are_not_shown() -> None:
    assert SECRET not in repr(Bucket(URL, REGION, None, KEY_ID, SECRET))


def _rows(count: int) -> pl.DataFrame:
    names = [str(number) for number in range(count)]
    frame = pl.DataFrame({"source_id": names}).with_columns(
        pl.lit(value).alias(name)
        for name, value in {
            "table_name": "clean.a",
            "book": "home",
            "reasons": "why",
            "payload": "{}",
            "batch_id": "b",
            "payload_sha256": "0",
            "known_at": datetime(2026, 1, 1, tzinfo=UTC),
        }.items()
    )
    return QUARANTINE.conform(frame)
