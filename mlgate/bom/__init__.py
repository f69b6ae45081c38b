"""Records to CycloneDX."""
