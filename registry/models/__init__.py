"""The nouns of the registry: fields, constraints, and the QuerySets that read them."""
