"""An installation with the demo in it, and the people and places that a team of some weeks would have."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext

from tests.browser.places import World
from tests.support.installation import ROOT, Installation, clean_environment

ADMIN, MEMBER, COLLEAGUE = "ada", "lena", "bjarne"
ROLES = {MEMBER: "admin", COLLEAGUE: "member", "mirjam": "member", "tomasz": "viewer", "yuki": "viewer"}
# Who has yet to choose a password, and is in no team.
WAITING = "newcomer"
TEAM, ORGANIZATION, PROJECT, EMPTY = "tabular", "example-lab", "scikit-demo", "line-ocr"
REGISTRY = f"/registries/{ORGANIZATION}/models"
MODELS, RUNNING = "digits-model", "sweep-1"
PASSWORD = "correct horse battery staple"
NAMES = {
    ADMIN: "Ada Novak",
    MEMBER: "Lena Hofmann",
    COLLEAGUE: "Bjarne Lund",
    "mirjam": "Mirjam Okafor",
    "tomasz": "Tomasz Zieliński",
    "yuki": "Yuki Tanaka",
}


@dataclass
class Pages:
    """A person at the pages, sending forms as the browser would."""

    context: BrowserContext

    def send(self, path: str, *, form_on: str = "", **fields: str) -> str:
        """Send a form, with the token of the page that it stands on, and return the answer."""
        page = self.context.request.get(form_on or path).text()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None, f"{form_on or path} has no form"
        answer = self.context.request.post(path, form={"csrfmiddlewaretoken": token[1], **fields})
        assert answer.ok, f"{path} answered {answer.status}: {answer.text()}"
        return answer.text()

    def password_link(self, name: str) -> str:
        """Make the link by which somebody chooses a password."""
        person = f"/installation/people/{name}"
        return shown_once(self.send(f"{person}/link", form_on=person))

    def key(self, name: str) -> str:
        """Make an API key."""
        return shown_once(self.send("/api-keys", name=name, lasting="90"))


def shown_once(page: str) -> str:
    """Return the key or the path of the link that a page shows this once."""
    found = re.search(r'class="secret">.*?data-copy="(?:https?://[^/"]+)?([^"]+)"', page, re.DOTALL)
    assert found is not None, page
    return found[1]


@dataclass
class Api:
    """A person with a key."""

    base: str
    key: str

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the API, which must agree."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.base}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")


@dataclass
class Demo:
    """The installation while it is looked at."""

    installation: Installation
    people: dict[str, Pages]
    member: Api
    colleague: Api
    world: World[str]

    def beat(self) -> None:
        """Let the run that still runs say so: it is silent otherwise, and would be taken for crashed."""
        self.colleague.send("POST", f"/projects/{TEAM}/{PROJECT}/runs/{RUNNING}/heartbeat", {})


def make(installation: Installation, browser: Browser) -> Demo:
    """Set up people, let the demo run as one of them, and add what only people at the pages do."""
    base, people = installation.url, set_up(installation, browser)
    keys = {name: people[name].key(f"{name} trains") for name in (MEMBER, COLLEAGUE)}
    member, colleague = Api(base, keys[MEMBER]), Api(base, keys[COLLEAGUE])
    run_demo(base, keys[MEMBER])
    work_on(member, colleague)
    links = act_at_pages(people) | review(people, member)
    return Demo(installation, people, member, colleague, world(member, links))


def set_up(installation: Installation, browser: Browser) -> dict[str, Pages]:
    """Make the first admin by the link that the server printed, and the team at the pages of the installation."""
    link = installation.manage("setuplink", "--verbosity", "0").strip()
    admin = Pages(browser.new_context(base_url=installation.url))
    admin.send(urlsplit(link).path, username=ADMIN, full_name=NAMES[ADMIN], password=PASSWORD, again=PASSWORD)
    organizations = "/installation/organizations"
    admin.send(organizations, act="organization", name=ORGANIZATION)
    admin.send(organizations, act="team", name=TEAM, organization=ORGANIZATION)
    admin.send("/installation/people", username=WAITING)
    registry = {"name": "models", "icon": "box", "accepted_types": "model", "visibility": "private"}
    admin.send(f"/registries/{ORGANIZATION}/new", **registry, description="Models that others may rely on.")
    admin.send(f"/registries/{ORGANIZATION}/models/members", team=TEAM, role="member")
    people = {ADMIN: admin}
    for name, role in ROLES.items():
        people[name] = Pages(browser.new_context(base_url=installation.url))
        admin.send("/installation/people", username=name, full_name=NAMES[name], email=f"{name}@example.org")
        people[name].send(admin.password_link(name), password=PASSWORD, again=PASSWORD)
        admin.send(f"/teams/{ORGANIZATION}/members", username=name, role="member")
        admin.send(f"/teams/{TEAM}/members", username=name, role=role)
    return people


def run_demo(base: str, key: str) -> None:
    """Run the script of `make demo`, as a member of the team."""
    settings = {"STRONGROOM_BASE_URL": base, "STRONGROOM_API_KEY": key, "STRONGROOM_ENTITY": TEAM}
    with tempfile.TemporaryDirectory(prefix="strongroom-demo-cache-") as cache:
        done = subprocess.run(
            [sys.executable, "bin/demo.py", "--project", PROJECT],
            cwd=ROOT,
            env=clean_environment(**settings, STRONGROOM_CACHE_DIR=cache),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


def work_on(member: Api, colleague: Api) -> None:
    """Do by the API what the demo leaves to others: a colleague's work, policies, a project that is still empty."""
    project = f"/projects/{TEAM}/{PROJECT}"
    about = "Small data sets of scikit-learn, and what was trained on them."
    member.send("PATCH", project, {"description": about, "visibility": "organization"})
    member.send("POST", f"/entities/{TEAM}/projects", {"name": EMPTY})
    member.send("PUT", f"/entities/{TEAM}/ttl", {"ttl": 180 * 86400})
    run = {"name": RUNNING, "display_name": "sweep-digits-svm", "job_type": "sweep", "heartbeat": True}
    colleague.send("POST", f"{project}/runs", {**run, "config": {"gamma": [0.0001, 0.001, 0.01]}})
    colleague.send(
        "POST", f"{project}/runs/{RUNNING}/inputs", {"artifact": f"{TEAM}/{PROJECT}/digits:stable"}
    )
    entries = [
        {"path": path, "ref": f"https://data.example.org/{path}", "digest": f"etag-{at}", "size": 1000 + at}
        for at, path in enumerate(("a.csv", "b.csv", "missing.png"))
    ]
    linked = {"collection": "readings", "type": "dataset", "entries": entries}
    member.send("POST", f"{project}/versions", linked)
    colleague.send("PUT", f"{project}/collections/{MODELS}/aliases/candidate", {"version": "best"})
    colleague.send("PUT", f"{project}/collections/{MODELS}/versions/best/tags/reviewed")
    link = {"target_path": f"{ORGANIZATION}/wandb-registry-models/{MODELS}", "aliases": ["staging"]}
    member.send("POST", f"{project}/collections/{MODELS}/versions/best/link", link)


def act_at_pages(people: dict[str, Pages]) -> dict[str, str]:
    """Star, invite, and hand on a password link; return the links that were shown."""
    home = f"/{TEAM}/{PROJECT}"
    for path in (home, f"{home}/artifacts/{MODELS}", f"{home}/artifacts/wine"):
        people[MEMBER].send(f"{path}/star", form_on=path, on="1")
    people[MEMBER].send(f"/teams/{TEAM}/storage", form_on=f"/teams/{TEAM}/storage")
    members = f"/teams/{TEAM}/members"
    invite = {"form_on": members, "role": "member"}
    people[MEMBER].send(f"/teams/{TEAM}/invitations", **invite, email="priya@example.org")
    return {
        "invitation": shown_once(people[MEMBER].send(f"/teams/{TEAM}/invitations", **invite)),
        "password_link": people[ADMIN].password_link(WAITING),
    }


def review(people: dict[str, Pages], member: Api) -> dict[str, str]:
    """Take what the demo proposed to production, with rule, talk and approval; return where that is seen."""
    admin, author, reviewer = (people[name] for name in (ADMIN, MEMBER, COLLEAGUE))
    measures = [
        {"metric": name, "not_worse_by": 0.005, "direction": "higher"} for name in ("accuracy", "f1_macro")
    ]
    rule = {
        "pattern": "production",
        "approvals": "1",
        "approver_role": "member",
        "promoter_role": "admin",
        "required_checks": "strongroom/card\nstrongroom/metrics\nci/load-time",
        "check_settings": json.dumps({"strongroom/metrics": {"rules": measures}}),
    }
    admin.send(f"{REGISTRY}/card-template", text="", required="Limits\nHow to load")
    admin.send(f"{REGISTRY}/protected/rule", **rule)
    hooks = f"/{ORGANIZATION}/wandb-registry-models/settings/webhooks"
    hook = {"name": "deployment", "url": "https://deploy.example.org/hooks"}
    admin.send(hooks, **hook, events="promotion_promoted")
    made = f"{REGISTRY}/promotions/1"
    author.send(made, act="ask", reviewers=COLLEAGUE)
    reviewer.send(made, act="comment", body="Are the **nines** better, too?")
    author.send(made, act="comment", body="They are.", on="file", anchor="metrics.json")
    reviewer.send(made, act="approve", body="Loads in time.")
    wait_for_checks(member, 1)
    admin.send(made, act="promote")
    return {"promoted": made, "webhook": webhook(author, member)}


def wait_for_checks(member: Api, number: int) -> None:
    """Wait until the worker has made the checks of a promotion, and nothing is missing."""
    place = f"/organizations/{ORGANIZATION}/registries/models/promotions/{number}"
    deadline = time.monotonic() + 120
    while missing := member.send("GET", place)["missing"]:
        assert time.monotonic() < deadline, missing
        time.sleep(0.5)


def webhook(author: Pages, member: Api) -> str:
    """Have a program told of the project, with a test that does not arrive; return the webhook's page."""
    hooks = f"/{TEAM}/{PROJECT}/settings/webhooks"
    hook = {"name": "line 4", "url": "https://line-4.example.org/hooks", "events": "alias_moved"}
    author.send(hooks, **hook)
    [made] = member.send("GET", f"/projects/{TEAM}/{PROJECT}/webhooks")["results"]
    page = f"{hooks}/{made['id']}"
    author.send(f"{page}/ping", form_on=page)
    return page


def delivery(member: Api, page: str) -> str:
    """Return the page of the newest delivery of a webhook."""
    number = page.rpartition("/")[2]
    place = f"/projects/{TEAM}/{PROJECT}/webhooks/{number}/deliveries"
    return f"{page}/deliveries/{member.send('GET', place)['results'][0]['id']}"


def pending(member: Api) -> str:
    """Begin a version whose references a worker resolves, one of them in vain; return its id."""
    draft = {"collection": "survey-archive", "type": "dataset", "client_id": "pending"}
    made = str(member.send("POST", f"/projects/{TEAM}/{PROJECT}/drafts", draft)["id"])
    for uri, name in (
        ("ftp://archive.example.org/surveys", "surveys"),
        ("http://localhost/private", "private"),
    ):
        member.send("POST", f"/drafts/{made}/references", {"uri": uri, "name": name})
    return made


def promotion(member: Api) -> int:
    """Ask that another model be taken into production: in review, with a check and a talk."""
    place = f"/organizations/{ORGANIZATION}/registries/models/promotions"
    asked = {"collection": MODELS, "version": "v1", "alias": "production", "reviewers": [COLLEAGUE]}
    made = int(member.send("POST", place, {**asked, "reason": "Smaller, and nearly as good."})["number"])
    shelf = f"/projects/{ORGANIZATION}/wandb-registry-models/collections/{MODELS}/versions/v1/checks"
    found = {"name": "ci/load-time", "state": "failure", "finding": "48 ms to load the model"}
    member.send("POST", shelf, {**found, "link": "https://ci.example.org/builds/212"})
    for said in (
        {"body": f"@{COLLEAGUE}, is 48 ms too much for line 4?"},
        {"body": "A tenth of a point less.", "on": "metadata", "anchor": "accuracy"},
    ):
        member.send("POST", f"{place}/{made}/comments", said)
    return made


def world(member: Api, links: dict[str, str]) -> World[str]:
    """Say where everything is."""
    project, versions = f"/{TEAM}/{PROJECT}", f"/projects/{TEAM}/{PROJECT}/collections"
    best = member.send("GET", f"{versions}/{MODELS}/versions/best")["version"]
    run = member.send("GET", f"{versions}/{MODELS}/versions/best/runs")["logged_by"]["name"]
    trashed = member.send("GET", f"/projects/{TEAM}/{PROJECT}/trash")["results"][0]
    key = member.send("GET", "/me/keys")["results"][0]["id"]
    data, version = f"{project}/artifacts/digits/v1", f"{project}/artifacts/{MODELS}/{best}"
    return World(
        member=MEMBER,
        admin=ADMIN,
        person=MEMBER,
        team=TEAM,
        organization=ORGANIZATION,
        project=project,
        empty=f"/{TEAM}/{EMPTY}",
        version=version,
        data=data,
        linked=f"{project}/artifacts/readings/v0",
        registry=REGISTRY,
        link=f"/{ORGANIZATION}/wandb-registry-models/artifacts/{MODELS}/v0",
        promotion=f"{REGISTRY}/promotions/{promotion(member)}",
        run=f"{project}/runs/{run}",
        trashed=f"{project}/artifacts/{trashed['collection']}/{trashed['version']}",
        pending=f"{project}/pending/{pending(member)}",
        in_trash=int(base64.b64decode(trashed["id"]).decode().rpartition(":")[2]),
        found="digits",
        in_card="cultivars",
        in_metadata="neighbours",
        among_versions="q=metadata.accuracy>0.95+-alias:best&column=train_seconds&column=accuracy",
        metadata_key="accuracy",
        alias="best",
        event=member.send("GET", f"/entities/{TEAM}/events")["results"][0]["id"],
        key=f"/api-keys/{key}/revoke",
        colleague=COLLEAGUE,
        delivery=delivery(member, links["webhook"]),
        **links,
        files={
            "text": f"{data}/files/splits/test.csv",
            "source": f"{data}/files/splits/test.csv?source",
            "tree": f"{data}/files/features.json",
            "markdown": f"{data}/files/README.md",
            "picture": f"{data}/files/examples/3/sheet.png",
            "binary": f"{version}/files/model.joblib",
        },
        changed_file="metrics.json",
    )
