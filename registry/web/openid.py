"""The protocol of OpenID Connect as django-allauth has it, with our own pages, rules and caution around it.

Only its client of the protocol is used: discovery, state, PKCE, the exchange of the code, the identity token. Who
somebody is here says `registry.services.identities`; none of its tables are read.
"""

from __future__ import annotations

from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.exceptions import DisallowedRedirect
from django.http import HttpRequest, HttpResponse
from requests.adapters import HTTPAdapter

from registry.errors import NotAuthenticated, Unavailable
from registry.services.identities import Claims

PROVIDER = "oidc"
_SECONDS, _MOST_BYTES = 10, 1024 * 1024
# What is raised for an answer that is none: of the network, of the protocol, of a document that lacks something.
FAILURES = (requests.RequestException, OAuth2Error, KeyError, TypeError, ValueError, AttributeError)


def provider() -> Any:
    """Return the provider that is set (`artifacts_site.environment.OpenID`); views answer 404 where none is."""
    return settings.OPENID


class _Adapter(HTTPAdapter):
    """Asks only where the issuer's own document leads: by TLS, no further by redirects, a megabyte, ten seconds."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        check_address(request.url or "")
        with super().send(request, **{**kwargs, "timeout": _SECONDS, "stream": True}) as response:
            if response.is_redirect:
                raise requests.exceptions.TooManyRedirects("the provider led elsewhere")
            body = response.raw.read(_MOST_BYTES + 1, decode_content=True)
        if len(body) > _MOST_BYTES:
            raise requests.exceptions.ContentDecodingError("longer than a megabyte")
        response._content = body
        return response


def check_address(url: str) -> None:
    """Refuse an address in the clear, but for one on this machine; also of what the provider's document names."""
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not local and parts.scheme != "https":
        raise requests.exceptions.InvalidSchema(f"{url} is not https")


class Adapter(DefaultSocialAccountAdapter):
    """Tells allauth of the one provider, without its tables, and turns its errors into ours."""

    def list_apps(self, request: HttpRequest, *_: Any, **__: Any) -> list[SocialApp]:
        here = provider()
        options = {"server_url": here.issuer.rstrip("/"), "oauth_pkce_enabled": True, "fetch_userinfo": True}
        made = SocialApp(
            provider="openid_connect", provider_id=PROVIDER, name=here.name, client_id=here.client_id
        )
        made.secret, made.settings = here.secret, options
        return [made]

    def get_requests_session(self) -> requests.Session:
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Adapter())
        return session

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> NoReturn:
        refuse(exception, cancelled=str(error) == "cancelled")


def refuse(exception: Exception | None, *, cancelled: bool = False) -> NoReturn:
    """Raise what our page says."""
    name = provider().name
    if cancelled:
        raise NotAuthenticated(
            f"{name} says that you did not agree. Nothing was changed: sign in again if you meant to."
        )
    if isinstance(exception, requests.RequestException | DisallowedRedirect):
        raise Unavailable(
            f"{name} does not answer as it should. Try again in a moment, or sign in with your password."
        ) from exception
    raise NotAuthenticated(
        f"Signing in by {name} did not work: its answer was not for this browser, came too late, or was not true. "
        "Begin again from the sign-in page."
    ) from exception


class _Protocol(OpenIDConnectOAuth2Adapter):
    """Checks more than the protocol asks of who got the token by TLS: its signature, and whose the profile is."""

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> NoReturn:
        credential = kwargs["response"]["id_token"]
        identity = jwtkit.verify_and_decode(
            credential=credential,
            keys_url=self.openid_config["jwks_uri"],
            issuer=provider().issuer,
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )
        profile = (
            self._fetch_user_info(token.token) if "userinfo_endpoint" in self.openid_config else identity
        )
        if profile["sub"] != identity["sub"]:
            # OIDC Core 5.3.2: else the profile of another could be slipped in.
            raise OAuth2Error("The profile is of another subject")
        raise _Told(_claims({**identity, **profile}))


class _Told(Exception):  # not an error
    """The way out of allauth's view, before it looks into its tables."""

    def __init__(self, claims: Claims) -> None:
        super().__init__()
        self.claims = claims


def _claims(data: dict[str, Any]) -> Claims:
    def text(name: str) -> str:
        value = data.get(name)
        return value if isinstance(value, str) else ""

    return Claims(
        issuer=provider().issuer,
        subject=text("sub"),
        email=text("email"),
        is_verified=data.get("email_verified") is True,
        username=text("preferred_username"),
        full_name=text("name"),
    )


class _Callback(OAuth2CallbackView):
    """Keeps the state, which says where the person was going."""

    state: dict[str, Any]

    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, response = super()._get_state(request, provider)
        self.state = state or {}
        return state, response


def begin(request: HttpRequest) -> str:
    """Return the provider's address for this browser; its state is in the session."""
    try:
        answer: HttpResponse = OAuth2LoginView.adapter_view(_Protocol(request, PROVIDER))(request)
        check_address(answer["Location"])
    except (*FAILURES, DisallowedRedirect) as failure:
        refuse(failure)
    return answer["Location"]


def finish(request: HttpRequest) -> tuple[Claims, dict[str, Any]]:
    """Return what the provider says of who came back, and the state that they left with."""
    view = _Callback()
    view.request, view.adapter = request, _Protocol(request, PROVIDER)
    try:
        view.dispatch(request)
    except _Told as told:
        return told.claims, view.state
    except ImmediateHttpResponse as failure:
        refuse(failure)
    except FAILURES as failure:
        refuse(failure)
    raise AssertionError("the view ends with claims or an error")
