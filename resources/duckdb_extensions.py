"""DuckDB's extensions, as their wheels ship them.

What belongs here: where an extension is, and text inside DuckDB's SQL where no parameter is taken. What does not: who uses it.
"""

import importlib.resources
from pathlib import Path

import duckdb


def extension(name: str) -> Path:
    """The file of an extension whose wheel is installed, for ``LOAD 'PATH'``.

    By its path, because with an unusable HOME both ``INSTALL`` and ``LOAD name`` fail, and nothing is downloaded.
    """
    folder = importlib.resources.files(f"duckdb_extension_{name}") / "extensions" / f"v{duckdb.__version__}"
    return Path(str(folder)) / f"{name}.duckdb_extension"


def quoted(text: str) -> str:
    """``text`` as it stands between single quotes in SQL."""
    return text.replace("'", "''")
