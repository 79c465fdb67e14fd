"""How a value in YAML text is found, replaced and proved; `domain.values` is the way in."""
