"""Words and marks that templates share; both modules are built in (settings.TEMPLATES)."""
