"""Webhooks of a project or registry, their secrets, and the log of what they were sent; for its admins."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import DELIVERIES, WEBHOOKS
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import webhooks as shape
from registry.api.shapes import choice, choice_of, search_in, words_of
from registry.models import Webhook, WebhookDelivery
from registry.services import projects, webhook_log, webhooks
from registry.services.webhook_kinds import KINDS, PING


class Webhooks(Endpoint):
    """What the views of webhooks share."""

    def webhook(self, entity: str, project: str, webhook_id: int) -> Webhook:
        """Find the webhook that the address names."""
        return webhooks.find(self.actor, projects.find(self.actor, entity, project), webhook_id)

    def delivery(self, entity: str, project: str, webhook_id: int, delivery_id: str) -> WebhookDelivery:
        """Find the delivery that the address names."""
        return webhook_log.find(self.actor, self.webhook(entity, project, webhook_id), delivery_id)

    def read(self, body: Any) -> dict[str, Any]:
        """Read a body, by the service's words."""
        data = body.read(self.http)
        return {("kinds" if name == "events" else name): value for name, value in data.items()}


class WebhookList(Webhooks):
    """The webhooks of a project."""

    @operation(
        "List a project's webhooks; for its admins",
        {200: shape.WEBHOOK_PAGE},
        query=(search_in("the name"), *LISTING, ordering(WEBHOOKS)),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer a page of webhooks."""
        place = projects.find(self.actor, entity, project)
        rows = webhooks.listing(self.actor, project=place, **words_of(self.http.GET, "q"))
        return self.page(rows, WEBHOOKS, lambda found: [shape.webhook(row) for row in found])

    @operation(
        "Make a webhook; its secret is in this answer only",
        {201: shape.NEW_WEBHOOK_ANSWER},
        body=shape.NEW_WEBHOOK,
        errors=(409,),
    )
    def post(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Make a webhook."""
        place = projects.find(self.actor, entity, project)
        made, secret = webhooks.create(self.actor, project=place, **self.read(shape.NEW_WEBHOOK))
        return self.answer({**shape.webhook(made), "secret": secret}, status=201)


class WebhookDetail(Webhooks):
    """One webhook."""

    @operation("Show a webhook", {200: shape.WEBHOOK})
    def get(self, request: Request, entity: str, project: str, webhook_id: int) -> HttpResponse:
        """Answer a webhook."""
        return self.answer(shape.webhook(self.webhook(entity, project, webhook_id)))

    @operation(
        "Change a webhook, or switch it off and on",
        {200: shape.WEBHOOK},
        body=shape.WEBHOOK_CHANGES,
        errors=(409,),
    )
    def patch(self, request: Request, entity: str, project: str, webhook_id: int) -> HttpResponse:
        """Change a webhook."""
        found = self.webhook(entity, project, webhook_id)
        return self.answer(
            shape.webhook(webhooks.edit(self.actor, webhook=found, **self.read(shape.WEBHOOK_CHANGES)))
        )

    @operation("Delete a webhook with its log", {204: None})
    def delete(self, request: Request, entity: str, project: str, webhook_id: int) -> HttpResponse:
        """Delete a webhook."""
        webhooks.delete(self.actor, webhook=self.webhook(entity, project, webhook_id))
        return self.nothing()


class WebhookSecret(Webhooks):
    """The secret that a webhook signs with."""

    @operation(
        "Give a webhook another secret, in this answer only; the one before signs as well for a day",
        {200: shape.SECRET_ANSWER},
    )
    def post(self, request: Request, entity: str, project: str, webhook_id: int) -> HttpResponse:
        """Rotate the secret."""
        found = self.webhook(entity, project, webhook_id)
        return self.answer({"secret": webhooks.rotate(self.actor, webhook=found)})


class WebhookPing(Webhooks):
    """A test."""

    @operation("Have a test sent to a webhook", {202: shape.DELIVERY}, errors=(409,))
    def post(self, request: Request, entity: str, project: str, webhook_id: int) -> HttpResponse:
        """Send a test."""
        made = webhook_log.ping(self.actor, webhook=self.webhook(entity, project, webhook_id))
        return self.answer(shape.delivery(made), status=202)


class DeliveryList(Webhooks):
    """What a webhook was sent."""

    @operation(
        "List what a webhook was sent, newest first; of the last 30 days",
        {200: shape.DELIVERY_PAGE},
        query=(
            choice("state", "deliveries in this state", *WebhookDelivery.State.values),
            choice("event", "this event", *KINDS, PING),
            *LISTING,
            ordering(DELIVERIES),
        ),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, webhook_id: int) -> HttpResponse:
        """Answer a page of deliveries."""
        asked = choice_of(self.http.GET, "state", *WebhookDelivery.State.values)
        if kind := choice_of(self.http.GET, "event", *KINDS, PING):
            asked["kind"] = kind["event"]
        rows = webhook_log.listing(self.actor, webhook=self.webhook(entity, project, webhook_id), **asked)
        return self.page(rows, DELIVERIES, lambda found: [shape.delivery(row) for row in found])


class DeliveryDetail(Webhooks):
    """One delivery."""

    @operation(
        "Show a delivery: what is sent, and what each attempt was answered", {200: shape.WHOLE_DELIVERY}
    )
    def get(
        self, request: Request, entity: str, project: str, webhook_id: int, delivery_id: str
    ) -> HttpResponse:
        """Answer a delivery."""
        return self.answer(shape.whole_delivery(self.delivery(entity, project, webhook_id, delivery_id)))


class Redelivery(Webhooks):
    """Sending again."""

    @operation("Have a delivery sent again, with its id and body", {204: None}, errors=(409,))
    def post(
        self, request: Request, entity: str, project: str, webhook_id: int, delivery_id: str
    ) -> HttpResponse:
        """Send it again."""
        found = self.delivery(entity, project, webhook_id, delivery_id)
        webhook_log.redeliver(self.actor, delivery=found)
        return self.nothing()
