"""Forms give shape; the rules are the services', whose errors come back beside the field."""
