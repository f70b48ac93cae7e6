"""Client of Strongroom, the self-hosted registry for machine-learning artifacts."""
