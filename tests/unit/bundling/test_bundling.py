"""A bundle is the same twice, and whatever is done to it is found."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.bundling import BundleError, Facts, pack, seal, unpack, verify
from manna.bundling.sealing import MANIFEST, PUBLIC_KEY, SIGNATURE, fingerprint, pem
from manna.bundling.verifying import public_key

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
FACTS = Facts("household", 2025, 17, "0.1.0", datetime(2026, 1, 31, tzinfo=UTC), ("Provisional: ...",))
FILES = {"README.txt": b"Hello", "statements/income.csv": b"a,b\n1,2\n", "empty.txt": b""}
SEALED = seal(FILES, FACTS, KEY)
BUNDLE = pack(SEALED)


def faults(content, **keys):
    return verify(content, **keys).faults


def test_a_bundle_is_good_and_says_whose():
    verdict = verify(BUNDLE)
    assert (verdict.faults, verdict.origin, verdict.key) == ((), "bundle", fingerprint(KEY.public_key()))
    assert verify(BUNDLE, own=KEY.public_key()).origin == "own"
    assert verify(BUNDLE, own=OTHER.public_key()).origin == "bundle"
    assert verify(BUNDLE, given=KEY.public_key()).origin == "given"
    assert verdict.manifest["lake_snapshot"] == 17
    assert verdict.manifest["warnings"] == ["Provisional: ..."]
    assert set(verdict.manifest["files"]) == {*FILES, PUBLIC_KEY}


def test_equal_input_is_equal_bytes():
    assert pack(seal(dict(reversed(FILES.items())), FACTS, KEY)) == BUNDLE


def test_another_program_can_read_it():
    with zipfile.ZipFile(io.BytesIO(BUNDLE)) as archive:
        assert archive.testzip() is None
        assert archive.read("statements/income.csv") == b"a,b\n1,2\n"
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_every_byte_counts():
    """Each byte of the file in turn, wherever it stands: contents, headers, times, directory."""
    for place in range(len(BUNDLE)):
        spoilt = bytearray(BUNDLE)
        spoilt[place] ^= 1 << place % 8
        assert faults(bytes(spoilt)), f"byte {place} may be changed"


@given(st.binary(max_size=40), st.integers(0, len(BUNDLE)), st.integers(0, 40))
@settings(deadline=None, max_examples=60)
def test_whatever_is_put_in_or_taken_out_is_found(extra, place, taken):
    changed = BUNDLE[:place] + extra + BUNDLE[place + taken :]
    assert bool(faults(changed)) == (changed != BUNDLE)


def without(name):
    return {other: content for other, content in SEALED.items() if other != name}


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({**SEALED, "more.txt": b""}, "more.txt is not in the manifest: it was added"),
        (without("README.txt"), "README.txt is missing"),
        ({**without("README.txt"), "READ.txt": b"Hello"}, "README.txt is missing"),
        ({**SEALED, "README.txt": b"Hallo"}, "README.txt was changed"),
        (without(MANIFEST), "manifest.json is missing"),
        (without(SIGNATURE), "manifest.sig is missing"),
        (without(PUBLIC_KEY), "public-key.pem is missing"),
        ({**SEALED, PUBLIC_KEY: b"x"}, "it is no public key in PEM"),
        ({**SEALED, PUBLIC_KEY: pem(OTHER.public_key())}, "the signature does not fit"),
        ({**SEALED, SIGNATURE: b""}, "the signature does not fit"),
        ({**SEALED, MANIFEST: SEALED[MANIFEST].replace(b"2025", b"2024")}, "the signature does not fit"),
    ],
)
def test_what_is_repacked_is_found(files, fault):
    assert faults(pack(files))[0].startswith(fault)


def test_every_fault_is_told():
    changed = {**without("empty.txt"), "README.txt": b"?", "more.txt": b""}
    assert faults(pack(changed)) == (
        "empty.txt is missing",
        "more.txt is not in the manifest: it was added",
        "README.txt was changed",
    )


def repacked(files):
    """As another program packs them: compressed, with times of its own."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_another_program_has_packed_it_anew_and_the_files_are_named_all_the_same():
    assert faults(repacked(SEALED)) == ("its files are compressed: it was packed by another program",)
    whole = verify(repacked(SEALED))
    assert (whole.signed, whole.same, whole.listed) == (True, 4, 4)
    changed = verify(repacked({**without("empty.txt"), "README.txt": b"Hallo", "more.txt": b""}))
    assert changed.faults[1:] == (
        "empty.txt is missing",
        "more.txt is not in the manifest: it was added",
        "README.txt was changed",
    )
    assert changed.standing == (
        "The signature holds: manifest.json is what was signed; 2 of 4 files are as it lists them."
    )


def test_what_a_manifest_that_nobody_signed_lists_is_told_with_that_word():
    forged = verify(pack({**SEALED, SIGNATURE: bytes(64), "README.txt": b"Hallo"}))
    assert forged.faults == (
        "the signature does not fit manifest.json: one of the two was changed",
        "README.txt was changed",
    )
    assert forged.standing.startswith(
        "The signature does not hold: nobody knows who wrote manifest.json; 3 of 4"
    )
    assert forged.manifest == {}
    unsigned = verify(pack({**without(PUBLIC_KEY), "README.txt": b"Hallo"}))
    assert unsigned.faults == ("public-key.pem is missing", "README.txt was changed")
    assert unsigned.standing.startswith("The signature could not be checked; 2 of 4")
    assert verify(pack(without(PUBLIC_KEY)), given=KEY.public_key()).signed


def test_a_damaged_file_is_named_and_so_are_the_changed_ones():
    spoilt = bytearray(pack({**SEALED, "README.txt": b"Hallo"}))
    spoilt[spoilt.index(b"a,b") + 1] ^= 1
    assert faults(bytes(spoilt)) == ("statements/income.csv is damaged", "README.txt was changed")


def test_a_manifest_with_hashes_of_another_file_needs_the_key():
    manifest = json.loads(SEALED[MANIFEST])
    manifest["files"]["README.txt"]["sha256"] = hashlib.sha256(b"Hallo").hexdigest()
    forged = {**SEALED, "README.txt": b"Hallo", MANIFEST: json.dumps(manifest).encode()}
    assert faults(pack(forged))[0].startswith("the signature does not fit")


def test_who_signs_everything_anew_is_found_by_the_key():
    forged = pack(seal({**FILES, "README.txt": b"Hallo"}, FACTS, OTHER))
    assert verify(forged, own=KEY.public_key()).origin == "bundle"  # and so says that it proves nothing of us
    assert faults(forged, given=KEY.public_key()) == (
        f"it was signed with another key than the one given: {fingerprint(OTHER.public_key())}",
    )


def test_a_manifest_of_another_format_or_key_is_not_read():
    other = json.dumps({"format": "manna-bundle-2"}).encode()
    assert "manna-bundle-2" in faults(pack({**SEALED, MANIFEST: other, SIGNATURE: KEY.sign(other)}))[0]
    named = SEALED[MANIFEST].replace(fingerprint(KEY.public_key()).encode(), b"0000")
    assert "names another key" in faults(pack({**SEALED, MANIFEST: named, SIGNATURE: KEY.sign(named)}))[0]


@pytest.mark.parametrize("files", [[], None, {"README.txt": None}, {"README.txt": {"sha256": 1}}])
def test_a_manifest_of_anybody_may_say_anything(files):
    said = json.dumps({"format": "manna-bundle-1", "files": files}).encode()
    assert faults(pack({**SEALED, MANIFEST: said}))[0].startswith("the signature does not fit")
    assert faults(pack({**SEALED, MANIFEST: b"[" * 100_000}))[0].startswith("the signature does not fit")


@pytest.mark.parametrize("manifest", [b"\xff", b"[]", b"{}", b"null"])
def test_a_manifest_that_is_none_is_a_fault_even_if_it_is_signed(manifest):
    assert (
        "its manifest is of the format None"
        in faults(pack({**SEALED, MANIFEST: manifest, SIGNATURE: KEY.sign(manifest)}))[0]
    )


def test_a_zip_of_anybody_is_no_bundle():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../outside", b"x")
    assert faults(packed.getvalue())[0].startswith("its files are compressed")
    with pytest.raises(BundleError, match="no ZIP"):
        unpack(b"")


def test_names_are_plain():
    for name in ("", "/etc/passwd", "../x", "a//b", "a b", "ä"):
        with pytest.raises(ValueError, match="cannot be a file"):
            pack({name: b""})
    with pytest.raises(ValueError, match="is made here"):
        seal({MANIFEST: b""}, FACTS, KEY)


def test_a_public_key_is_an_ed25519_key():
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    assert public_key(pem(KEY.public_key())).public_bytes_raw() == KEY.public_key().public_bytes_raw()
    other = (
        generate_private_key(SECP256R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(BundleError, match="Ed25519"):
        public_key(other)
