"""Licences as cards, Croissant and manifests spell them: SPDX ids where they are one, names where not."""

from __future__ import annotations

import pytest
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression

from mlgate.bom.licenses import licenses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apache-2.0", "Apache-2.0"),
        ("MIT", "MIT"),
        ("cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("odc-by", "ODC-By-1.0"),
        ("https://creativecommons.org/licenses/by-sa/4.0/", "CC-BY-SA-4.0"),
        ("http://creativecommons.org/licenses/by-nc-nd/3.0/legalcode", "CC-BY-NC-ND-3.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://spdx.org/licenses/BSD-3-Clause.html", "BSD-3-Clause"),
        ("https://opensource.org/licenses/MIT", "MIT"),
    ],
)
def test_ids(text: str, expected: str) -> None:
    (found,) = licenses([text])
    assert isinstance(found, DisjunctiveLicense)
    assert (found.id, found.name) == (expected, None)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "openrail",
            "creativeml-openrail-m",
            "bigscience-bloom-rail-1.0",
            "llama2",
            "llama3.1",
            "gemma",
            "other",
            "cc",
        ),
        *(
            "bsd",
            "https://creativecommons.org/licenses/",
            "https://example.com/licenses/MIT",
            "BSD License",
            "MIT (non-commercial)",
        ),
    ],
)
def test_names(text: str) -> None:
    (found,) = licenses([text])
    assert isinstance(found, DisjunctiveLicense)
    assert (found.id, found.name) == (None, text)


def test_expressions() -> None:
    (found,) = licenses(["MIT OR Apache-2.0"])
    assert isinstance(found, LicenseExpression)
    assert [type(each) for each in licenses(["MIT", "GPL-3.0-only OR MIT"])] == [DisjunctiveLicense] * 2
