"""`manna config show`: everything, and no secret."""

import json
from pathlib import Path

from console import Manna

SECRET = "s3cret-of-somebody"


def test_every_setting_with_its_source_and_no_secret(manna: Manna, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "plaid_client_id").write_text(SECRET)
    said = manna(
        tmp_path / "data",
        "config",
        "show",
        "--format",
        "json",
        PLAID_SECRET=SECRET,
        MANNA_SECRETS_DIR=str(tmp_path / "secrets"),
        MANNA_POSTGRES_URL=f"postgresql://ana:{SECRET}@db.example/manna?password={SECRET}",
        MANNA_NOTIFY_URLS=f"mailto://ana:{SECRET}@example.org ntfy://{SECRET}/",
    )
    assert said.code == 0, said.err
    assert SECRET not in said.out
    found = {row["setting"]: (row["value"], row["from"]) for row in json.loads(said.out)}
    assert found["PLAID_SECRET"] == ("set", "environment")
    assert found["PLAID_CLIENT_ID"] == ("set", "MANNA_SECRETS_DIR")
    assert found["MANNA_POSTGRES_URL"][0] == "postgresql://ana:****@db.example/manna?password=****"
    assert found["MANNA_NOTIFY_URLS"] == ("2 addresses", "environment")
    assert found["MANNA_FIRST_MONTH"] == ("2015-01-01", "default")
    assert found["MANNA_KEY"][0] == "–"
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_used_is_one_line(manna: Manna, tmp_path: Path) -> None:
    said = manna(tmp_path / "data", "config", "show", MANNA_WEBHOOK_PORT="often")
    assert said.code == 1
    assert "MANNA_WEBHOOK_PORT" in said.err
    assert "Correct the environment or .env" in said.err
