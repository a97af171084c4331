"""The signing key: made once, readable by its owner alone."""

import stat

import pytest

from resources.signing import KEY_FILE, SigningKeyError, own_public_key, signing_key


def test_it_is_made_once_and_for_its_owner(tmp_path):
    assert own_public_key(tmp_path) is None
    made = signing_key(tmp_path)
    assert signing_key(tmp_path).private_bytes_raw() == made.private_bytes_raw()
    assert own_public_key(tmp_path).public_bytes_raw() == made.public_key().public_bytes_raw()
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE]


def test_a_spoilt_key_is_not_replaced(tmp_path):
    (tmp_path / KEY_FILE).write_text("no key")
    with pytest.raises(SigningKeyError, match="holds no key; restore it"):
        signing_key(tmp_path)
    assert (tmp_path / KEY_FILE).read_text() == "no key"


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(SigningKeyError, match="make its folder writable"):
        signing_key(tmp_path / "none")
