"""Models that a policy wants signed: verified by key, refused, somebody else's, other content, hostile files."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from mlgate.errors import MlgateError
from mlgate.pipeline import scan
from mlgate.records import Action
from mlgate.settings import Settings
from mlgate.signing import statement
from mlgate.signing.crypto import Identity, Key, OtherSigner, Refused
from tests.builders import signatures as build
from tests.repositories import commit

WEIGHTS = struct.pack("<Q", 2) + b"{}"
FILES = {"model.safetensors": WEIGHTS, "config.json": b"{}", "sub/vocab.txt": b"a\n"}
POLICY = 'version: 1\nmodels: {signature: [{models: ["prod/**"], key: {public-key: keys/prod.pem}}]}\n'
OURS = ("MLG-LIN-020", "MLG-LIN-021", "MLG-LIN-022", "MLG-LIN-023", "MLG-INC-001")


def repository(
    root: Path, private: Any, signature: str | None, files: Mapping[str, bytes] = FILES, policy: str = POLICY
) -> str:
    everything: dict[str, bytes | str | None] = {f"prod/enc/{name}": data for name, data in files.items()}
    everything |= {".mlgate.yml": policy, "keys/prod.pem": build.public(private), "other/m.safetensors": WEIGHTS}
    return commit(root, everything | ({"prod/enc/model.sig": signature} if signature else {}))


def told(root: Path, **settings: Any) -> dict[str, str]:
    """Blocking findings of ours: rule to message."""
    result = scan(Settings(root=root, today=date(2026, 11, 23), advisories=False, jobs=2, **settings))
    return {
        d.finding.rule.id: d.finding.message
        for d in result.verdict.decisions
        if d.finding.rule.id in OURS and d.action is Action.BLOCK
    }


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_a_signed_model_passes_and_one_without_is_told(tmp_path: Path, curve: ec.EllipticCurve) -> None:
    private = build.key(curve)
    repository(tmp_path, private, build.signature(private, build.statement(FILES)))
    assert told(tmp_path) == {}
    (tmp_path / "prod/enc/model.sig").unlink()
    assert told(tmp_path) == {"MLG-LIN-020": "No signature speaks of prod/enc/model.safetensors."}


def test_what_is_not_as_it_was_signed(tmp_path: Path) -> None:
    private = build.key()
    repository(tmp_path, private, build.signature(private, build.statement(FILES)))
    folder = tmp_path / "prod" / "enc"
    changes: tuple[tuple[str, bytes | None, str], ...] = (
        ("config.json", b"{ }", "changed prod/enc/config.json"),
        ("sub/vocab.txt", None, "missing prod/enc/sub/vocab.txt"),
        ("custom.py", b"1", "unsigned prod/enc/custom.py"),
    )
    for name, data, expected in changes:
        path = folder / name
        path.unlink(missing_ok=True)
        if data is not None:
            path.write_bytes(data)
        assert told(tmp_path) == {"MLG-LIN-023": f"prod/enc/model.sig was made of other files: {expected}."}
        path.unlink(missing_ok=True)
        if name in FILES:
            path.write_bytes(FILES[name])
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 3) + b"{ }")
    assert "changed prod/enc/model.safetensors" in told(tmp_path)["MLG-LIN-023"]


def test_the_digest_in_an_lfs_pointer_is_the_contents(tmp_path: Path) -> None:
    private = build.key()
    oid = hashlib.sha256(WEIGHTS).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(WEIGHTS)}\n"
    repository(tmp_path, private, build.signature(private, build.statement(FILES)))
    (tmp_path / "prod/enc/model.safetensors").write_text(pointer)
    assert told(tmp_path) == {}
    (tmp_path / "prod/enc/model.safetensors").write_text(pointer.replace(oid, "0" * 64))
    assert "changed prod/enc/model.safetensors" in told(tmp_path)["MLG-LIN-023"]


def test_another_key_and_a_changed_statement_are_refused(tmp_path: Path) -> None:
    private = build.key()
    repository(tmp_path, private, build.signature(build.key(), build.statement(FILES)))
    assert "was not made by this key" in told(tmp_path)["MLG-LIN-021"]
    payload = base64.b64encode(json.dumps(build.statement(FILES | {"more": b""})).encode()).decode()
    forged = build.signature(private, build.statement(FILES), payload=payload)
    (tmp_path / "prod/enc/model.sig").write_text(forged)
    assert "was not made by this key" in told(tmp_path)["MLG-LIN-021"]


def test_a_signature_of_one_file_and_one_above(tmp_path: Path) -> None:
    private = build.key()
    one = build.signature(private, build.statement({".": WEIGHTS}, name="model.safetensors"))
    repository(tmp_path, private, None, {"model.safetensors": WEIGHTS})
    (tmp_path / "prod/enc/model.safetensors.sig").write_text(one)
    assert told(tmp_path) == {}
    (tmp_path / "prod/enc/model.safetensors.sig").unlink()
    above = build.statement({f"prod/enc/{name}": data for name, data in {"model.safetensors": WEIGHTS}.items()})
    (tmp_path / "release.sigstore.json").write_text(build.signature(private, above))
    assert told(tmp_path) == {}


def test_the_base_decides_whose_key_and_what_is_new(tmp_path: Path) -> None:
    private, mallory = build.key(), build.key()
    base = repository(tmp_path, private, build.signature(private, build.statement(FILES)))
    evil = {"model.safetensors": struct.pack("<Q", 3) + b"{ }", "config.json": b"{}"}
    (tmp_path / "prod/enc/sub/vocab.txt").unlink()
    repository(tmp_path, mallory, build.signature(mallory, build.statement(evil)), evil, "version: 1\n")
    assert "was not made by this key" in told(tmp_path, base=base)["MLG-LIN-021"]
    # what was unsigned before is no news, until something beside it changes
    unsigned = tmp_path / "second"
    base = repository(unsigned, private, None)
    commit(unsigned, {"README.md": "x"})
    assert told(unsigned, base=base) == {}
    commit(unsigned, {"prod/enc/config.json": "{ }"})
    assert set(told(unsigned, base=base)) == {"MLG-LIN-020"}


def test_signatures_of_other_kinds_are_not_looked_into_and_it_is_said(tmp_path: Path) -> None:
    private = build.key()
    for changed in ({"method": "shards"}, {"hash_type": "blake3"}, {"predicateType": "https://slsa.dev/provenance/v1"}):
        repository(tmp_path, private, build.signature(private, build.statement(FILES, **changed)))
        assert set(told(tmp_path)) == {"MLG-INC-001"}
    # a detached signature of another tool is none of this format
    (tmp_path / "prod/enc/model.sig").write_bytes(b"-----BEGIN PGP SIGNATURE-----\n")
    assert set(told(tmp_path)) == {"MLG-LIN-020"}


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["predicate"]["resources"][0].update(name="../out"),
        lambda s: s["predicate"]["resources"][0].update(name="/etc/passwd"),
        lambda s: s["predicate"]["resources"].append(s["predicate"]["resources"][0]),
        lambda s: s["predicate"]["resources"][0].update(digest="00"),
        lambda s: s["predicate"]["resources"][0].update(algorithm="md5"),
        lambda s: s["predicate"]["resources"].pop(),
        lambda s: s["subject"].append(s["subject"][0]),
        lambda s: s["predicate"].pop("serialization"),
    ],
)
def test_a_statement_that_contradicts_itself_is_refused_though_it_is_signed(tmp_path: Path, change: Any) -> None:
    private, said = build.key(), build.statement(FILES)
    change(said)
    repository(tmp_path, private, build.signature(private, said))
    assert set(told(tmp_path)) == {"MLG-LIN-021"}


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b'{"dsseEnvelope": ' * 50_000,
        build.signature(build.key(), {}).encode(),
        build.signature(build.key(), build.statement(FILES), payload="!").encode(),
        build.signature(build.key(), build.statement(FILES), signatures=[]).encode(),
        build.signature(build.key(), build.statement(FILES), signatures=[{"sig": "!"}]).encode(),
    ],
)
def test_files_that_are_none_are_malformed(data: bytes) -> None:
    with pytest.raises(statement.Malformed):
        statement.read(data)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: json.dumps({"dsseEnvelope": text}).encode()))
def test_any_bytes_are_malformed_or_unsupported(data: bytes) -> None:
    with pytest.raises((statement.Malformed, statement.Unsupported)):
        statement.read(data)


def test_a_large_signature_is_refused(tmp_path: Path) -> None:
    private = build.key()
    repository(tmp_path, private, build.signature(private, build.statement(FILES)) + " " * statement.LARGEST)
    assert "over 4,194,304 bytes" in told(tmp_path)["MLG-LIN-021"]


def test_a_key_does_for_no_identity() -> None:
    private = build.key()
    signed = statement.read(build.signature(private, build.statement(FILES)).encode())
    with pytest.raises(Refused):
        Identity("a@example.test", "https://issuer.example.test").verify(signed)
    Key(build.public(private).encode(), "k").verify(signed)
    assert issubclass(OtherSigner, Exception)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ('{models: ["**"]}', "by `sigstore` or by `key`"),
        (
            '{models: ["**"], key: {public-key: a}, sigstore: {identity: abc, issuer: "https://x"}}',
            "by `sigstore` or by",
        ),
        ("{models: [], key: {public-key: a}}", "signature"),
        ('{models: ["**"], key: {public-key: keys/none.pem}}', "'keys/none.pem' is not there"),
        ('{models: ["**"], key: {public-key: .mlgate.yml}}', "is no public key in PEM"),
        ('{models: ["**"], key: {public-key: keys/ed.pem}}', "no key of the curves"),
    ],
)
def test_the_users_mistakes(tmp_path: Path, policy: str, message: str) -> None:
    commit(
        tmp_path,
        {
            "m.safetensors": WEIGHTS,
            "keys/ed.pem": build.public(ed25519.Ed25519PrivateKey.generate()),
            ".mlgate.yml": f"version: 1\nmodels: {{signature: [{policy}]}}\n",
        },
    )
    with pytest.raises(MlgateError, match=message):
        told(tmp_path)
