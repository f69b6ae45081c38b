"""What the hub's words become in the inventory and the BOM, and what they never become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate import bom, cli
from mlgate.hub import Enriched, HubSettings, enriched
from mlgate.hub.answer import Info, read, reduced
from mlgate.hub.client import Client
from mlgate.records import Component, Inventory, Kind, Relation
from tests.builders import hub
from tests.github.server import Reply, Request, serve
from tests.repositories import commit

FLOATING = Component(kind=Kind.MODEL, identity="hf:acme/tiny", name="acme/tiny", version="main", pinned=False)
PINNED = Component(kind=Kind.MODEL, identity="hf:acme/tiny", name="acme/tiny", version=hub.COMMIT, pinned=True)
CHAT = Component(kind=Kind.DATASET, identity="dataset:hf:acme/chat", name="acme/chat")


SPECS: tuple[bom.SpecVersion, ...] = ("1.7", "1.6")


def answers(request: Request) -> Reply:
    if "/datasets/" in request.path:
        return Reply(data=hub.dataset())
    name = request.path.removeprefix("/api/models/").partition("/revision")[0]
    return Reply(data=hub.model(name)) if name == "acme/tiny" else Reply(status=404)


def run(inventory: Inventory, **settings: Any) -> Enriched:
    with serve(answers) as server:
        made = HubSettings(url=server.url, **settings)
        return enriched(inventory, made, Client(made, sleep=lambda _: None))


def told(component: Component) -> dict[str, str]:
    return {key: value for key, value in component.properties if key != "hub:source"}


def test_a_floating_model_is_resolved_and_keeps_its_version() -> None:
    found = run(Inventory(root="r", components=(FLOATING, PINNED, CHAT)))
    by = {(c.identity, c.version): c for c in found.inventory.components}
    floating, pinned = by["hf:acme/tiny", "main"], by["hf:acme/tiny", hub.COMMIT]
    assert (floating.version, floating.pinned, floating.hashes) == ("main", False, ())
    assert told(floating) == {
        "hub:resolved": hub.COMMIT,
        "hub:gated": "manual",
        "hub:last-modified": "2026-02-03T04:05:06.000Z",
        "hub:task": "text-generation",
        "hub:library": "transformers",
        "hub:license": "apache-2.0",
        "hub:base-model": "fine-tuned-from acme/base",
    }
    assert floating.model is not None
    assert (floating.model.task, floating.licenses) == ("text-generation", ("apache-2.0",))
    assert told(pinned)["hub:file"] == f"model.safetensors sha256:{hub.DIGEST}"
    assert "hub:resolved" not in told(pinned)
    assert by["dataset:hf:acme/chat", None].licenses == ("cc-by-4.0",)
    assert found.inventory.relations == (
        Relation(source="hf:acme/tiny", target="hf:acme/base", kind="fine-tuned-from"),
    )
    assert told(by["hf:acme/base", None]) == {"hub:named-by-hub-only": "true"}
    assert found.notes == ()
    assert bom.build(found.inventory, None, name="r", version="") == bom.build(
        found.inventory, None, name="r", version=""
    )


def test_what_the_repository_says_goes_first() -> None:
    own = Component(kind=Kind.MODEL, identity="hf:acme/tiny", name="acme/tiny", licenses=("mit",))
    said = Relation(source="hf:acme/tiny", target="hf:acme/base", kind="adapter-of")
    vague = Relation(source="hf:acme/tiny", target="hf:acme/base", kind="derived-from")
    found = run(Inventory(root="r", components=(own,), relations=(said,))).inventory
    assert [c.licenses for c in found.components if c.identity == own.identity] == [("mit",)]
    assert found.relations == (said,)
    (only,) = run(Inventory(root="r", components=(own,), relations=(vague,))).inventory.relations
    assert only.kind == "fine-tuned-from"


def test_each_name_without_an_answer_is_said_and_others_go_on() -> None:
    ghosts = tuple(Component(kind=Kind.MODEL, identity=f"hf:acme/ghost{n}", name=f"acme/ghost{n}") for n in range(7))
    elsewhere = Component(kind=Kind.MODEL, identity="ollama:llama3", name="llama3")
    end = Relation(source="file:m.gguf", target="hf:acme/end", kind="quantized-from")
    found = run(Inventory(root="r", components=(*ghosts, FLOATING, elsewhere), relations=(end,)))
    errors = {c.identity: told(c).get("hub:error", "") for c in found.inventory.components}
    assert {name for name, error in errors.items() if error.startswith("status 404")} == {
        "hf:acme/end",
        *(ghost.identity for ghost in ghosts),
    }
    assert found.notes[0].endswith("gave no answer on 8 of 9 models and datasets (see the ML-BOM).")
    assert (len(found.notes), found.notes[-1]) == (7, "and 3 more.")
    document = json.loads(bom.build(found.inventory, None, name="r", version=""))
    properties = {c["name"]: {p["name"]: p["value"] for p in c["properties"]} for c in document["components"]}
    assert properties["acme/ghost0"]["mlgate:hub:error"].startswith("status 404")
    assert properties["acme/end"]["mlgate:named-by-relation-only"] == "true"
    assert properties["acme/tiny"]["mlgate:hub:resolved"] == hub.COMMIT
    assert properties["llama3"].keys() == {"mlgate:identity"}


def test_hanging_threads_are_left_behind() -> None:
    with hub.raw_server(hub.trickle(), drip=True) as url:
        found = enriched(Inventory(root="r", components=(FLOATING,)), HubSettings(url=url, timeout=60, deadline=0.5))
    (component,) = found.inventory.components
    assert told(component)["hub:error"]


def test_a_cached_answer_is_used_and_a_forged_one_is_not(tmp_path: Path) -> None:
    inventory = Inventory(root="r", components=(FLOATING, PINNED))
    with serve(answers) as server:
        for expected in (2, 2):
            enriched(inventory, HubSettings(url=server.url, cache=tmp_path / "c"))
            assert len(server.requests) == expected
        entries = sorted((tmp_path / "c").iterdir())
        assert [entry.stat().st_mode & 0o077 for entry in entries] == [0, 0]
        for entry in entries:
            raw = json.loads(entry.read_bytes())
            raw["stored"] -= 3601  # a branch has moved since, a commit has not
            entry.write_text(json.dumps(raw))
        enriched(inventory, HubSettings(url=server.url, cache=tmp_path / "c"))
        assert len(server.requests) == 3
        forged: tuple[bytes | dict[str, Any], ...] = (
            b"",
            b"[" * 100_000,
            b"{}",
            {"stored": 1e99},
            {"form": 2},
            {"asked": {}},
            {"answer": {"id": "acme/tiny", "sha": hub.OTHER}},
            {"answer": {"id": "acme/tiny"}},
            {"answer": [], "stored": True},
        )
        for count, change in enumerate(forged, 4):
            for entry in sorted((tmp_path / "c").iterdir()):
                raw = json.loads(entry.read_bytes())
                if raw["asked"]["revision"] == hub.COMMIT:
                    change = {"form": 9} if change == {"stored": 1e99} else change  # noqa: PLW2901  (no date there)
                    entry.write_bytes(change if isinstance(change, bytes) else json.dumps(raw | change).encode())
            found = enriched(inventory, HubSettings(url=server.url, cache=tmp_path / "c"))
            assert len(server.requests) == count, change
            assert not found.notes


def test_no_folder_for_the_cache_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert run(Inventory(root="r", components=(FLOATING,)), cache=tmp_path / "file" / "c").notes == ()


def test_the_command_asks_only_when_told_and_the_verdict_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "repo"
    load = 'from transformers import AutoModel\nAutoModel.from_pretrained("acme/{}")\n'
    commit(root, {"a.py": load.format("tiny"), "b.py": load.format("gone")})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    plain = ["scan", str(root), "--no-advisories", "--format", "json"]
    with serve(answers) as server:
        monkeypatch.setattr("mlgate.hub.settings.ENDPOINT", server.url)
        code = cli.main(plain)
        before = json.loads(capsys.readouterr().out)
        assert server.requests == []
        assert cli.main([*plain, "--hub"]) == code
        said = capsys.readouterr()
        assert len(server.requests) == 2
    after = json.loads(said.out)
    assert after["findings"] == before["findings"]
    assert after["verdict"] == before["verdict"]
    assert "mlgate: hub: model acme/gone: status 404: " in said.err
    assert "hf_verysecret" not in said.out + said.err
    assert cli.main([*plain, "--hub", "--offline"]) == 2


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.sampled_from(["acme/tiny", "mit OR ("]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["license", "license_name", "base_model", "rfilename", "lfs", "sha256"]), inner
        )
    ),
    max_leaves=8,
)
_TAGS = st.lists(st.sampled_from(["base_model:adapter:acme/ring", "base_model:a/b", "license:x y", "license:"]))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([*hub.model()]), _JSON), _TAGS)
def test_whatever_the_hub_says_the_bom_is_sound(fields: dict[str, Any], tags: list[str]) -> None:
    """An unsound one would end the run with exit code 3, and the hub must not be able to."""
    ring = Component(kind=Kind.MODEL, identity="hf:acme/ring", name="acme/ring")

    class Fake(Client):
        def info(self, kind: Kind, name: str, revision: str) -> Info:  # noqa: ARG002
            said = hub.model(tags=["base_model:merge:acme/tiny"]) if name == "acme/ring" else hub.model(tags=tags)
            return read(reduced(json.dumps(said | fields).encode()))

    given_ = Inventory(root="r", components=(FLOATING, PINNED, CHAT, ring))
    found = enriched(given_, HubSettings(), Fake(HubSettings()))
    for spec in SPECS:
        bom.build(found.inventory, None, name="r", version="", spec=spec)


def test_a_defect_of_ours_is_said_and_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Client):
        def info(self, *_: object) -> Any:
            raise RuntimeError

    monkeypatch.setattr("threading.excepthook", lambda _: None)
    found = enriched(Inventory(root="r", components=(FLOATING,)), HubSettings(), Broken(HubSettings()))
    assert "mlgate could not read the answer" in found.notes[1]
