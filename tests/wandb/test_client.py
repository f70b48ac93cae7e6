"""The unmodified client against a whole installation: each test is a process of its own, as its users run it."""

from __future__ import annotations

import json

import pytest

from tests.wandb import client

pytestmark = [pytest.mark.slow, pytest.mark.installation]


@pytest.fixture(scope="module")
def key(live_installation):
    return live_installation.make_key("wanda")


@pytest.fixture
def said(live_installation, key, tmp_path):
    """Run a script and return the objects that it printed, a line each; it begins with a folder of files."""
    folder = tmp_path / "d"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "empty").touch()
    (folder / "sub" / "größe 1.bin").write_bytes(bytes(range(256)) * 2000)

    def go(code: str, key: str = key) -> list[object]:
        begin = "import json, os, wandb\ndef tell(*values): print('SAID', json.dumps(values))\n"
        printed = client.run(begin + code, live_installation.url, key, tmp_path)
        told = [line.partition(" ")[2] for line in printed.splitlines() if line.startswith("SAID ")]
        return [value for line in told for value in json.loads(line)]

    go.folder = tmp_path
    return go


LOG = """
from datetime import timedelta
with wandb.init(project="journey", config={"lr": 0.1}, job_type="train") as run:
    data = wandb.Artifact("data", type="data set", description="card", metadata={"acc": 0.5})
    data.add_dir("d")
    data.add_reference("https://example.invalid/x", name="far", checksum=False)
    data.ttl = timedelta(days=3)
    data = run.log_artifact(data, aliases=["raw"], tags=["good", "two words"]).wait()
    tell(data.version, sorted(data.aliases), sorted(data.tags), data.ttl.days, data.size, data.digest, data.url)
    same = wandb.Artifact("data", type="data set")
    same.add_dir("d")
    same.add_reference("https://example.invalid/x", name="far", checksum=False)
    same = run.log_artifact(same, aliases=["again"]).wait()
    tell(same.version, sorted(same.aliases))
    run.log({"loss": 0.5})
    tell(run.url)
"""


def test_logging_and_the_same_again(said, live_installation):
    version, aliases, tags, days, size, digest, url, again, names, run = said(LOG)
    assert (version, aliases, tags, days) == ("v0", ["latest", "raw"], ["good", "two words"], 3)
    assert (size, len(digest)) == (512_001, 32)
    assert (again, names) == ("v0", ["again", "latest", "raw"])
    assert url == f"{live_installation.url}/wanda/journey/artifacts/data%20set/data/v0"
    assert run.startswith(f"{live_installation.url}/wanda/journey/runs/")


def test_using_downloading_and_editing(said):
    said(LOG.replace("journey", "using"))
    used, names, text, verified, logged, users = said("""
with wandb.init(project="using") as run:
    data = run.use_artifact("data:raw")
    first = data.get_entry("a.txt").download("one")
    names = sorted(file.name for file in data.files())
    verified = [data.get_entry("sub/größe 1.bin").download("one")[-5:], len(data.files())]
    users = [user.id == run.id for user in data.used_by()]
    tell(data.version, names, open(first).read(), verified, data.logged_by().config, users)
""")
    assert (used, text, verified, logged, users) == ("v0", "a", ["1.bin", 4], {"lr": 0.1}, [True])
    assert names == ["a.txt", "empty", "far", "sub/größe 1.bin"]
    edited = said("""
api = wandb.Api()
data = api.artifact("wanda/using/data:raw")
data.description, data.metadata["more"], data.ttl = "new card", [1, 2], None
data.aliases.append("best"); data.aliases.remove("raw"); data.tags.append("fresh"); data.tags.remove("good")
data.save()
data = wandb.Api().artifact("wanda/using/data:best")
tell(data.description, data.metadata, sorted(data.aliases), sorted(data.tags), data.ttl)
tell(api.artifact_exists("wanda/using/data:raw"), api.artifact_exists("wanda/using/data:best"))
tell([kind.name for kind in api.artifact_types("wanda/using")])
tell([found.name for found in api.artifact_type("data set", "wanda/using").collections()])
tell([found.version for found in api.artifacts("data set", "wanda/using/data")])
tell([found.version for found in api.artifacts("data set", "wanda/using/data", tags="fresh")])
""")
    assert edited[:5] == [
        "new card",
        {"acc": 0.5, "more": [1, 2]},
        ["again", "best", "latest"],
        ["fresh", "two words"],
        None,
    ]
    assert edited[5:] == [False, True, ["data set"], ["data"], ["v0"], ["v0"]]


def test_a_whole_download_is_verified(said):
    refused, names, deleted = said("""
with wandb.init(project="whole") as run:
    data = wandb.Artifact("data", type="dataset")
    data.add_dir("d")
    run.log_artifact(data).wait()
data = wandb.Api().artifact("wanda/whole/data:latest")
path = data.download(root="out")
data.verify("out")
found = sorted(os.path.relpath(os.path.join(at, name), path) for at, _, names in os.walk(path) for name in names)
try:
    data.delete()
except Exception as error:
    tell("holds the alias latest" in str(error))
data.delete(delete_aliases=True)
tell(found, wandb.Api().artifact_exists("wanda/whole/data:v0"))
""")
    assert refused is True
    assert names == ["a.txt", "empty", "sub/größe 1.bin"]
    assert deleted is False


def test_drafts_parts_and_processes_become_versions(said):
    told = said("""
with wandb.init(project="parts") as run:
    data = wandb.Artifact("data", type="dataset")
    data.add_dir("d")
    run.log_artifact(data).wait()
    draft = wandb.Api().artifact("wanda/parts/data:v0").new_draft()
    draft.remove("empty")
    tell(sorted(run.log_artifact(draft).wait().manifest.entries))
    more = wandb.Artifact("data", type="dataset", incremental=True)
    with more.new_file("more.txt") as file:
        file.write("more")
    tell(sorted(run.log_artifact(more).wait().manifest.entries))
    table = wandb.Table(columns=["a"], data=[[1], [2]])
    run.log({"rows": table})
    kept = wandb.Artifact("kept", type="dataset")
    kept.add(table, "rows")
    kept = run.log_artifact(kept).wait()
    refers = wandb.Artifact("refers", type="dataset")
    refers.add_reference(kept.get_entry("rows.table.json").ref_url(), name="rows")
    run.log_artifact(refers).wait()
tell(os.listdir(wandb.Api().artifact("wanda/parts/refers:v0").download(root="followed")))
for number in range(2):
    with wandb.init(project="parts", group="together") as run:
        part = wandb.Artifact("joined", type="dataset")
        with part.new_file(f"part{number}") as file:
            file.write(str(number))
        run.upsert_artifact(part, distributed_id="work")
with wandb.init(project="parts", group="together") as run:
    joined = run.finish_artifact(wandb.Artifact("joined", type="dataset"), distributed_id="work").wait()
    tell(joined.version, sorted(joined.manifest.entries))
""")
    assert told == [
        ["a.txt", "sub/größe 1.bin"],
        ["a.txt", "more.txt", "sub/größe 1.bin"],
        ["rows"],
        "v0",
        ["part0", "part1"],
    ]


def test_collections_are_edited_moved_and_deleted(said):
    told = said("""
with wandb.init(project="shelf") as run:
    data = wandb.Artifact("data", type="dataset")
    data.add_dir("d")
    run.log_artifact(data).wait()
api = wandb.Api()
found = api.artifact_collection("dataset", "wanda/shelf/data")
found.name, found.description, found.tags = "renamed", "what it is", ["shelved"]
found.save()
found = api.artifact_collection("dataset", "wanda/shelf/renamed")
tell(found.description, found.tags, found.aliases)
found.type = "other"
found.save()
tell(api.artifact_collection_exists("wanda/shelf/renamed", "other"))
api.artifact_collection("other", "wanda/shelf/renamed").delete()
tell(api.artifact_collection_exists("wanda/shelf/renamed", "other"))
""")
    assert told == ["what it is", ["shelved"], ["latest"], True, False]


def test_runs_are_resumed_and_listed(said):
    told = said("""
with wandb.init(project="resumed", config={"lr": 0.1}) as run:
    run.log({"loss": 0.5})
    name = run.id
with wandb.init(project="resumed", id=name, resume="must") as run:
    tell(run.resumed, run.config["lr"])
    run.log({"loss": 0.25})
    run.summary["best"] = 0.25
found = wandb.Api().run(f"wanda/resumed/{name}")
tell(found.state, found.summary["loss"], found.summary["best"], found.config)
tell([each.id == name for each in wandb.Api().runs("wanda/resumed")])
""")
    assert told == [True, 0.1, "finished", 0.25, 0.25, {"lr": 0.1}, [True]]


def test_a_registry_is_linked_to_used_and_read_and_its_links_deleted(said, live_installation, key):
    live_installation.manage("createorg", "guild")
    live_installation.manage("createteam", "looms", "--org", "guild")
    live_installation.manage("addmember", "--team", "looms", "wanda", "member")
    live_installation.manage("addmember", "--org", "guild", "wanda", "admin")
    told = said("""
api = wandb.Api()
made = api.create_registry(organization="guild", name="models", visibility="organization")
tell(made.name)
with wandb.init(entity="looms", project="links") as run:
    data = wandb.Artifact("data", type="model")
    data.add_dir("d")
    data = run.log_artifact(data).wait()
    linked = run.link_artifact(data, "wandb-registry-models/best", aliases=["staging"])
    tell(linked.qualified_name, linked.is_link, sorted(linked.aliases), linked.source_qualified_name)
    shelf = data.link("links/shelf")
    tell(shelf.entity)
    used = run.use_artifact("wandb-registry-models/best:staging")
    tell(used.version, os.path.exists(os.path.join(used.download(), "a.txt")))
found = wandb.Api().artifact("guild/wandb-registry-models/best:latest")
tell(found.version, found.source_name, len(data.linked_artifacts))
found.aliases.append("production")
found.save()
tell(sorted(wandb.Api().artifact("guild/wandb-registry-models/best:production").aliases))
found.unlink()
exists = wandb.Api().artifact_exists
tell(exists("guild/wandb-registry-models/best:v0"), exists("looms/links/data:v0"))
""")
    assert told == [
        "models", "guild/wandb-registry-models/best:v0", True, ["latest", "staging"], "looms/links/data:v0",
        "looms", "v0", True, "v0", "data:v0", 2, ["latest", "production", "staging"], False, True,
    ]  # fmt: skip


def test_another_s_artifacts_are_not_there(said, live_installation):
    said(LOG.replace("journey", "secret"))
    stranger = live_installation.make_key("sly", admin=False)
    told = said(
        """
api = wandb.Api()
tell(api.artifact_exists("wanda/secret/data:v0"))
try:
    wandb.init(project="secret", entity="wanda")
except Exception as error:
    tell("not for you to see" in str(error))
""",
        stranger,
    )
    assert told == [False, True]


def test_the_command_line_logs_in_puts_gets_lists_and_syncs(said, live_installation, key):
    url, folder = live_installation.url, said.folder

    def wandb(*words, secret=key):
        done = client.command(["wandb", *words], url, secret, folder)
        return done.returncode, done.stdout + done.stderr

    assert wandb("login", "--verify", "--relogin", "--host", url, key)[0] == 0
    code, printed = wandb("login", "--verify", "--relogin", "--host", url, "sr-" + "0" * 43)
    assert code != 0
    assert "not known" in printed
    code, printed = wandb("artifact", "put", "d", "-n", "wanda/cli/data", "-t", "dataset", "-a", "raw")
    assert (code, "wanda/cli/data:v0" in printed) == (0, True), printed
    code, printed = wandb("artifact", "ls", "wanda/cli")
    assert (code, "data:v0" in printed) == (0, True), printed
    code, printed = wandb("artifact", "get", "wanda/cli/data:raw", "--root", "got")
    assert code == 0, printed
    assert (folder / "got" / "sub" / "größe 1.bin").stat().st_size == 512_000
    said("""
with wandb.init(project="cli", mode="offline") as run:
    data = wandb.Artifact("offline", type="dataset")
    data.add_dir("d")
    run.log_artifact(data)
    run.log({"loss": 0.5})
""")
    [offline] = (folder / "wandb").glob("offline-run-*")
    code, printed = wandb("sync", str(offline))
    assert code == 0, printed
    assert said('tell(wandb.Api().artifact("wanda/cli/offline:v0").file_count)') == [3]


def test_a_key_that_is_none_fails_at_once(said, live_installation):
    told = said(
        """
try:
    wandb.init(project="x")
except Exception as error:
    tell(type(error).__name__)
""",
        "sr-" + "0" * 43,
    )
    assert len(told) == 1
