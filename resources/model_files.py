"""The files of the books' models: written whole, and read only if they are what was recorded.

What belongs here: that. What does not: what is in a file (``manna.categorizing.model``), or which models there are
(``models``).
"""

import hashlib
import os
from pathlib import Path


class ModelFileError(Exception):
    """A model's file is missing or is not the recorded one: it is not loaded. One line that says what to do."""


class ModelFiles:
    """The folder of the models' files, each named by its id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, model_id: str, data: bytes) -> str:
        """Writes a file, all or nothing, and returns its SHA-256."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = self._folder / f"{model_id}.{os.getpid()}.part"
        aside.write_bytes(data)
        aside.replace(self._path(model_id))
        return hashlib.sha256(data).hexdigest()

    def read(self, model_id: str, sha256: str) -> bytes:
        """The bytes of a model.

        Raises:
            ModelFileError: there is no such file, or its hash is not the recorded one. Loading a model runs what its
                bytes say, so such bytes must not come near it.
        """
        path = self._path(model_id)
        remedy = "`manna model rollback` or `manna model promote` puts another into use, `manna run training` makes one"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelFileError(
                f"model {model_id}: cannot read {path}: {error.strerror}; {remedy}"
            ) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ModelFileError(
                f"model {model_id}: {path} is not the file that was recorded; not loaded; {remedy}"
            )
        return data

    def remove(self, model_id: str) -> None:
        """Deletes a model's file, if it is there."""
        self._path(model_id).unlink(missing_ok=True)

    def _path(self, model_id: str) -> Path:
        return self._folder / f"{model_id}.model"
