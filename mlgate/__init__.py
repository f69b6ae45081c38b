"""mlgate: the supply-chain gate for repositories with machine learning in them."""

__version__ = "0.1.0"
