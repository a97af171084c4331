"""What is configured, and where it is from.

What belongs here: the settings as a table, secrets masked. What does not: the settings themselves (``resources.settings``).
"""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
from dotenv import dotenv_values
from pydantic import SecretStr

from resources.settings import SECRETS_DIR, Settings

SCHEMA = {"setting": pl.String, "value": pl.String, "from": pl.String}
ADDRESSES = ("notify_urls", "notify_critical_urls")
"""Lists of addresses that may each hold a token."""
_PASSWORD = re.compile(r"(?i)(password=)[^&\s]*")


def configured() -> pl.DataFrame:
    """Every setting by the name of its variable: its value, masked where it is secret, and where it is from.

    Raises:
        SettingsError: a variable has an unusable value; every one is named.
    """
    settings = Settings.load()
    file = settings.model_config.get("env_file")
    in_file = dotenv_values(file) if isinstance(file, (str, os.PathLike)) else {}
    folder = os.environ.get(SECRETS_DIR)
    in_folder = {found.name.upper() for found in Path(folder).iterdir()} if folder else set()
    rows = []
    for name, field in Settings.model_fields.items():
        variable = str(field.alias)
        if os.environ.get(variable):
            source = "environment"
        else:
            source = ".env" if in_file.get(variable) else SECRETS_DIR if variable in in_folder else "default"
        rows.append((variable, shown(name, getattr(settings, name)), source))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def shown(name: str, value: Any) -> str:
    """A setting for people: whether a secret is set, addresses counted, passwords in addresses hidden."""
    if value is None or value == "":
        return "–"
    if isinstance(value, SecretStr):
        return "set"
    if name in ADDRESSES:
        count = len(str(value).split())
        return f"{count} address{'es' if count > 1 else ''}"
    text = str(value)
    parts = urlsplit(text)
    if parts.password:
        text = text.replace(f":{parts.password}@", ":****@")
    return _PASSWORD.sub(r"\1****", text)
