"""Django's admin over all tables, for looking only: what may change, and by whom, services say."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import BinaryField, Field, JSONField, Model, TextField
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import cached_property

from registry.http.who import actor_of
from registry.policy import Act, check
from registry.web.pages import public, to_sign_in

_ROWS, _MOST = 50, 5000
# What lets somebody in: nobody needs to see it, not even as a hash.
_SECRET = frozenset({"password", "sha256", "setup_sha256", "session_data"})
# Too large for a table of rows; the page of one row has them.
_LARGE = (TextField, JSONField, BinaryField)
_COLUMNS = 10
_SOUGHT = frozenset({"name", "username", "subject", "digest"})


class _Pages(Paginator):
    """Counts to five thousand: a table of millions would be read whole to say how many there are."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return len(rows.order_by().values_list("pk")[:_MOST])


class Table(admin.ModelAdmin):
    """A model's rows, newest first; nothing can be added, changed or deleted."""

    paginator = _Pages
    list_per_page = _ROWS
    show_full_result_count = False
    actions = None
    ordering = ("-pk",)
    # By another column, a table of millions would be sorted whole.
    sortable_by = ()

    def _shown(self) -> list[Field[Any, Any]]:
        return [field for field in self.model._meta.fields if field.name not in _SECRET]

    def get_list_display(self, request: HttpRequest) -> Any:
        """Ids stand for what rows refer to: its name would be a query for each."""
        small = [field for field in self._shown() if not isinstance(field, _LARGE)]
        return [field.attname for field in small[:_COLUMNS]]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [field.name for field in self._shown()]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [field.name for field in self._shown()]

    def get_search_fields(self, request: HttpRequest) -> Any:
        return [f"{field.name}__startswith" for field in self._shown() if field.name in _SOUGHT]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Django would look into a table that nobody fills: events tell what happened."""
        return redirect("admin:index")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Rows are found by the search alone: conditions from the address would reach any column, as anything."""
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True


class Site(admin.AdminSite):
    """For admins of the installation; who is not is told so by our own pages."""

    site_header = site_title = "Strongroom: tables"
    index_title = "All tables, for looking only"
    index_template = "admin/tables.html"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        actor = actor_of(request, door="web")
        check(actor, Act.ADMINISTER, None)
        return True

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one way in."""
        return to_sign_in(request)

    def admin_view(self, view: Callable[..., HttpResponseBase], cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        @wraps(view)
        @public
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_sign_in(request)
            answer: HttpResponseBase = inner(request, *args, **kwargs)
            return answer

        return guarded


def _plural(name: str) -> str:
    """Write a noun for many: Django adds an "s" to all."""
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "ch", "sh")) else f"{name}s"


site = Site(name="admin")
for _model in apps.get_app_config("registry").get_models():
    if _model._meta.managed:
        # Here alone, and not in the models: there each would be a step of the database, which it does not concern.
        _model._meta.verbose_name_plural = _plural(str(_model._meta.verbose_name))
        site.register(_model, Table)
