"""Which indexes and registries are public ones, and which belong to somebody: by their hosts and channels."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# Where anybody can register a name, and mirrors of these; channels of conda by their names.
_PUBLIC = re.compile(
    r"(?:.+\.)?(?:pypi\.org|pypi\.python\.org|pythonhosted\.org|npmjs\.org|npmjs\.com|yarnpkg\.com|npmmirror\.com|"
    r"crates\.io|rubygems\.org|packagist\.org|nuget\.org|cran\.r-project\.org|anaconda\.org|anaconda\.com|prefix\.dev|"
    r"tsinghua\.edu\.cn|aliyun\.com|mirrors\.ustc\.edu\.cn|doubanio\.com|maven\.org|maven\.apache\.org)"
)
_CHANNELS = frozenset({"conda-forge", "defaults", "main", "anaconda", "bioconda", "pytorch", "nvidia"})
# Where makers of libraries that everybody knows put their own builds.
_MAKERS = re.compile(
    r"(?:.+\.)?(?:pytorch\.org|nvidia\.com|pyg\.org|gradle\.org|sonatype\.org|apache\.org|jetbrains\.com|jetbrains\.space)|"
    r"(?:maven|dl|proxy)\.google\.com|dl\.google\.com|proxy\.golang\.org|cloud\.r-project\.org|cran\.rstudio\.com|"
    r"packagemanager\.posit\.co|github\.com|index\.golang\.org|(?:api|codeload)\.github\.com"
)


def is_public(index: str) -> bool:
    """Whether anybody can register a name there; also when the address cannot be read."""
    if "://" not in index:
        return index.lower() in _CHANNELS or index.lower() == "pypi"
    host = host_of(index)
    return host is None or _PUBLIC.fullmatch(host) is not None


def is_known(index: str) -> bool:
    """Whether an address is the ecosystem's public index, a mirror of it, or that of a well-known maker."""
    host = host_of(index)
    return "://" not in index or is_public(index) or bool(host and _MAKERS.fullmatch(host))


def host_of(index: str) -> str | None:
    """The host of an index's address in lower case ("" when it has none), or None when it is no address."""
    try:
        return (urlsplit(index.removeprefix("sparse+").removeprefix("registry+")).hostname or "").lower()
    except ValueError:
        return None
