"""The Django application."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Strongroom's one application: models, services, doors."""

    name = "registry"
