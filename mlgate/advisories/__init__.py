"""Known vulnerabilities and malware: the OSV client, the offline database, version matching."""
