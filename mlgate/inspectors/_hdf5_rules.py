"""What the reader of HDF5 can say about the container itself."""

from __future__ import annotations

from mlgate.records import Category, Rule, Severity

ELSEWHERE = Rule(
    id="MLG-MDL-050",
    title="HDF5 file that reads other files",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="An external link, external raw storage or a virtual dataset names another file, which the HDF5 library opens "
    "and reads when the weights are loaded. Any file that the process can read becomes part of the model, from where "
    "it leaks through outputs and saved copies (CVE-2026-1669).",
    remediation="Write the file again with all data inside (`h5repack`, or copy each dataset with h5py). If the file "
    "came from somewhere else, ask why it names files of the machine that loads it.",
    cwe=("CWE-73", "CWE-200"),
    atlas=("AML.T0010", "AML.T0011.000"),
    owasp=("LLM03:2025",),
)
PLUGIN = Rule(
    id="MLG-MDL-051",
    title="HDF5 data that needs a filter nobody registered",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="A dataset goes through a filter that is neither part of HDF5 nor registered with The HDF Group. To read it "
    "the library loads a shared library from its plugin path, and runs it.",
    remediation="Write the dataset again with gzip or without compression.",
    cwe=("CWE-427", "CWE-829"),
)
STRUCTURE = Rule(
    id="MLG-MDL-052",
    title="HDF5 structure that no saving library makes",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="A group contains itself, a link is of a kind that needs a program's own code to follow, or there are bytes "
    "of another kind before or after the HDF5 content. Readers loop, or see another file than HDF5 readers do.",
    remediation="Write the file again with the library that made it, from content that was looked at.",
    cwe=("CWE-436", "CWE-674"),
)

RULES = (ELSEWHERE, PLUGIN, STRUCTURE)
