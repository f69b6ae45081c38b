"""The policy: schema, loader, presets."""
