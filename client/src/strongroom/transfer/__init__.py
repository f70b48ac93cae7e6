"""Moving contents: to the server when an artifact is logged, and from it when one is downloaded."""
