"""Every kind of run in every output."""

from __future__ import annotations

import pytest

from mlgate.records import Inventory, Verdict
from mlgate.reports import comment, console, findings, html, sarif, summary
from tests.builders import verdicts


@pytest.mark.parametrize(
    ("inventory", "made"),
    [
        (Inventory(root=""), verdicts.clean()),
        (verdicts.inventory(), verdicts.three()),
        (verdicts.incomplete_inventory(), verdicts.incomplete()),
        (verdicts.inventory(), verdicts.policy_change()),
        (verdicts.inventory(), verdicts.warn_only()),
        (verdicts.inventory(), verdicts.waived()),
    ],
)
def test_every_output_is_made_and_made_again_the_same(inventory: Inventory, made: Verdict) -> None:
    for report in (comment, console, findings, html, sarif, summary):
        text = report.render(inventory, made, verdicts.CONTEXT)
        assert text.encode("utf-8").endswith(b"\n")
        assert text == report.render(inventory, made, verdicts.CONTEXT)
