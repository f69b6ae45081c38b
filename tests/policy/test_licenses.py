"""Licences as metadata, classifiers, cards and lockfiles spell them, and what a policy makes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.policy import demands
from mlgate.policy.licenses import comparable, ids, spdx
from mlgate.policy.load import load
from mlgate.records import Component, Inventory, Kind

# What packages on PyPI state, in License, License-Expression and classifiers, and other registries' spellings.
SPELLINGS = {
    "Apache-2.0": "apache-2.0|Apache 2.0|Apache License 2.0|Apache License, Version 2.0|Apache License v2.0|Apache"
    "|Apache Software License|Apache Software License (Apache 2.0)|The Apache License 2|Apache License Version 2.0"
    "|https://www.apache.org/licenses/LICENSE-2.0.txt",
    "MIT": "mit|MIT License|MIT license|The MIT License (MIT)|https://opensource.org/licenses/MIT",
    "BSD-3-Clause": "BSD 3-Clause License|New BSD License|Modified BSD License|3-Clause BSD License"
    '|BSD 3-Clause "New" or "Revised" License|bsd-3-clause',
    "BSD-2-Clause": "BSD 2-Clause License|Simplified BSD|2-clause BSD",
    "GPL-3.0-only": "GPL-3.0|GPLv3|GPL v3|GPL3|GNU General Public License v3 (GPLv3)",
    "GPL-3.0-or-later": "GPL-3.0+|GPLv3+|GNU General Public License v3 or later (GPLv3+)",
    "LGPL-2.0-or-later": "GNU Lesser General Public License v2 or later (LGPLv2+)",
    "LGPL-3.0-only": "GNU/LGPLv3|LGPLv3|GNU Lesser General Public License v3 (LGPLv3)",
    "AGPL-3.0-or-later": "GNU Affero General Public License v3 or later (AGPLv3+)",
    "MPL-2.0": "Mozilla Public License 2.0 (MPL 2.0)|MPL 2.0",
    "ISC": "ISC License (ISCL)|ISC license",
    "PSF-2.0": "PSFL|Python Software Foundation License",
    "Unlicense": "The Unlicense (Unlicense)",
    "CC0-1.0": "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication",
    "CC-BY-NC-4.0": "Creative Commons Attribution-NonCommercial 4.0 International|CC BY-NC 4.0",
    "MIT OR Apache-2.0": "MIT/Apache-2.0|MIT License OR Apache 2.0|(MIT or apache-2.0)",
    "Apache-2.0 AND (BSD-3-Clause OR MIT)": "Apache 2.0 AND (New BSD OR mit)",
    "GPL-2.0-only WITH Classpath-exception-2.0": "gpl-2.0 with Classpath-exception-2.0",
}
# Families, other licences, and what only begins like one.
NAMES = (
    "BSD|BSD License|GPL|LGPL|Artistic License|Public Domain|Other/Proprietary License|UNKNOWN|MIT (non-commercial)|"
    "MIT with Commons Clause|not MIT|Apache-like|Dual License|llama3.1|creativeml-openrail-m|BSD, Public Domain|"
    "Apache License 2.0 (with a rider)|MIT OR Something Else|Apache 1.5|GPL-9.0"
)


@pytest.mark.parametrize(
    ("text", "known"), [(text, known) for known, all_ in SPELLINGS.items() for text in all_.split("|")]
)
def test_spellings_are_one_licence(text: str, known: str) -> None:
    assert spdx(text) == known
    assert comparable(text) == comparable(known)


@pytest.mark.parametrize("text", NAMES.split("|"))
def test_what_is_no_licence_of_spdx_stays_as_it_was_stated(text: str) -> None:
    assert spdx(text) == text


def test_every_id_is_itself_or_the_current_form_of_itself() -> None:
    changed = {known: spdx(known) for known in ids().values() if spdx(known) != known}
    assert all(old.startswith(("GPL-", "LGPL-", "AGPL-")) for old in changed)
    assert set(changed.values()) <= set(ids().values())


def judged(terms: str, *stated: str, kind: Kind = Kind.PACKAGE) -> list[str]:
    component = Component(kind=kind, identity="x", name="x", licenses=stated)
    policy = load(f"version: 1\nlicenses: {terms}\n", "p")
    return [f.rule.id for f in demands.demands(policy, Inventory(root="", components=(component,)))]


@pytest.mark.parametrize(
    ("terms", "stated", "rule"),
    [
        ("{allow: [Apache-2.0]}", "Apache Software License", ""),
        ("{allow: ['Apache License 2.0']}", "apache-2.0", ""),
        ("{allow: [MIT, BSD]}", "BSD License", ""),
        ("{allow: [MIT, BSD-3-Clause]}", "BSD License", "MLG-LIC-001"),
        ("{deny: [GPL-3.0]}", "GNU General Public License v3 (GPLv3)", "MLG-LIC-001"),
        ("{deny: ['GPL*']}", "GNU General Public License v3 (GPLv3)", "MLG-LIC-001"),
        ("{deny: ['GPL*']}", "GNU Lesser General Public License v3 (LGPLv3)", ""),
        ("{deny: ['GPL-3.0*']}", "MIT OR GPL-3.0", ""),
        ("{deny: ['GPL-3.0*']}", "MIT License AND GPLv3+", "MLG-LIC-001"),
        ("{allow: [MIT]}", "MIT/Apache-2.0", ""),
        ("{allow: [MIT]}", "MIT License AND (Zlib OR MIT)", ""),
        ("{allow: [MIT], deny: [GPL-2.0-only]}", "GPLv2 WITH Classpath-exception-2.0", "MLG-LIC-001"),
        (
            "{allow: [MIT, GPL-2.0-only WITH Classpath-exception-2.0]}",
            "GPL-2.0 WITH Classpath-exception-2.0",
            "",
        ),
        ("{allow: [GPL-2.0-only WITH Classpath-exception-2.0]}", "GPL-2.0-only", "MLG-LIC-001"),
        ("{allow: [MIT AND (BSD-3-Clause OR Zlib)]}", "MIT AND BSD-3-Clause OR Zlib", "MLG-LIC-001"),
        ("{allow: [MIT]}", "MIT (non-commercial)", "MLG-LIC-001"),
        ("{review: ['CC-BY-NC*']}", "Creative Commons Attribution-NonCommercial 4.0 International", "MLG-LIC-002"),
        ("{review: ['hf:openrail*']}", "OpenRAIL++", "MLG-LIC-002"),
    ],
)
def test_a_policy_compares_what_is_meant(terms: str, stated: str, rule: str) -> None:
    assert judged(terms, stated) == ([rule] if rule else [])


def test_a_model_whose_licence_is_unknown_states_none() -> None:
    assert judged("{allow: [MIT]}", "unknown", kind=Kind.MODEL) == ["MLG-LIC-003"]
    assert judged("{allow: [MIT]}", "other", kind=Kind.MODEL) == ["MLG-LIC-001"]


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    spdx(text)
    judged("{allow: [MIT, 'BSD*'], deny: [GPL]}", text)


@given(st.lists(st.sampled_from(["MIT", "(", ")", " AND ", " OR ", " WITH ", "GPL-3.0", "+", "/", "LLVM-exception"])))
def test_any_expression_is_read(parts: list[str]) -> None:
    text = "".join(parts)
    found = spdx(text)
    assert spdx(found) == found
    judged("{allow: [MIT, 'BSD*'], deny: [GPL]}", text)
