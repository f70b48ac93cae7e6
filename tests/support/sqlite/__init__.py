"""SQLite as Django has it, but for emptying tables between tests past the guards."""
