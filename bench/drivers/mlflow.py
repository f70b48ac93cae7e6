"""MLflow's server with proxied artifacts, SQLite and local disk: `mlflow server --serve-artifacts`.

`mlflow` is the default, uvicorn with 4 workers; `mlflow:gunicorn=1` the same under gunicorn, where it is at its best.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
import urllib.parse
from typing import Any

from trees import size_of

from drivers import base

VENV = os.environ.get("BENCH_MLFLOW_VENV") or os.path.join(base.WORK, "venv-mlflow")
API = "/api/2.0/mlflow"


class Server(base.Server):
    """The server as its documentation starts it."""

    python = os.path.join(VENV, "bin", "python")

    def prepare(self) -> None:
        self.database = os.path.join(self.workdir, "mlflow.db")
        self.artifacts = os.path.join(self.workdir, "artifacts")
        upgrade = [os.path.join(VENV, "bin", "mlflow"), "db", "upgrade", f"sqlite:///{self.database}"]
        base.run(upgrade, env={**os.environ, **self.client_env()})

    def client_env(self) -> dict[str, str]:
        return {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        }

    def launch(self) -> base.Launch:
        from web import free_port

        port = free_port()
        command = [
            os.path.join(VENV, "bin", "mlflow"), "server", "--backend-store-uri", f"sqlite:///{self.database}",
            "--artifacts-destination", self.artifacts, "--serve-artifacts", "--host", "127.0.0.1",
            "--port", str(port),
        ]  # fmt: skip
        if "gunicorn" in self.options:
            command += ["--gunicorn-opts", "--log-level warning"]
        return command, {**os.environ, **self.client_env()}, f"http://127.0.0.1:{port}/health"

    def start(self) -> None:
        super().start()
        time.sleep(8)  # its other workers and job consumers finish coming up

    def forget(self, ref: Any) -> None:
        shutil.rmtree(os.path.join(self.artifacts, ref["exp"], ref["run"]), ignore_errors=True)

    def store_bytes(self) -> int:
        return size_of(self.artifacts)

    def meta_setup(self, http: Any, collection: str) -> None:
        status, data = http.call("POST", f"{API}/registered-models/create", {"name": collection})
        if status >= 300 and b"RESOURCE_ALREADY_EXISTS" not in data:
            raise RuntimeError(data)
        # It wants the source inside a run's artifacts: one run for all versions, whose creation is not counted.
        made = http.json("POST", f"{API}/runs/create", {"experiment_id": "0", "start_time": 1})
        self.run = made["run"]["info"]

    def meta_op(self, http: Any, collection: str, number: int) -> None:
        """Three requests: it has no single one."""
        source = self.run["artifact_uri"] + "/model"
        asked = {"name": collection, "run_id": self.run["run_id"], "source": source}
        version = http.json("POST", f"{API}/model-versions/create", asked)["model_version"]["version"]
        alias = {"name": collection, "alias": "champion", "version": version}
        http.json("POST", f"{API}/registered-models/alias", alias)
        tag = {"name": collection, "version": version, "key": "stage", "value": "prod"}
        http.json("POST", f"{API}/model-versions/set-tag", tag)

    def seed_versions(self, collection: str, count: int) -> None:
        database = sqlite3.connect(self.database, timeout=60)
        begun = int(time.time() * 1000) - count * 1000
        numbers = range(1, count + 1)
        database.execute(
            "insert or ignore into registered_models(name,creation_time,last_updated_time,workspace) "
            "values(?,?,?,'default')",
            (collection, begun, begun),
        )
        database.executemany(
            "insert into model_versions(name,version,creation_time,last_updated_time,description,current_stage,"
            "source,run_id,status,storage_location,workspace) values(?,?,?,?,?,'None',?,?,'READY',?,'default')",
            (_version_row(collection, number, begun) for number in numbers),
        )
        tags = [(number, ("idx", str(number))) for number in numbers]
        tags += [(number, ("stage", "dev" if number % 100 else "prod")) for number in numbers]
        database.executemany(
            "insert into model_version_tags(key,value,name,version,workspace) values(?,?,?,?,'default')",
            ((key, value, collection, number) for number, (key, value) in tags),
        )
        database.executemany(
            "insert into registered_model_aliases(alias,version,name,workspace) values(?,?,?,'default')",
            ((f"a{at}", (at + 1) * count // 10, collection) for at in range(10)),
        )
        database.commit()
        database.close()

    def seed_collections(self, count: int) -> None:
        """Make registered models of one version each."""
        database = sqlite3.connect(self.database, timeout=60)
        begun = int(time.time() * 1000) - count
        names = [(f"model-{at:05}", begun + at) for at in range(count)]
        database.executemany(
            "insert into registered_models(name,creation_time,last_updated_time,description,workspace) "
            "values(?,?,?,'a detector','default')",
            [(name, at, at) for name, at in names],
        )
        database.executemany(
            "insert into model_versions(name,version,creation_time,last_updated_time,description,current_stage,"
            "source,run_id,status,storage_location,workspace) values(?,?,?,?,?,'None',?,?,'READY',?,'default')",
            [_version_row(name, 1, at) for name, at in names],
        )
        database.commit()
        database.close()

    def list_requests(self, collection: str, count: int) -> dict[str, dict[str, Any]]:
        from web import Http

        own, name = f"name='{collection}'", urllib.parse.quote(collection)
        half = Http(self.base).json("GET", _search(own, count // 2))["next_page_token"]
        found = {
            "first_page": (_search(own, 100), f'"{count}"'),
            "deep_page": (_search(own, 100, half), f'"{count // 2}"'),
            "filter_tag": (_search(f"{own} and tags.stage='prod'", 100), '"prod"'),
            "by_alias": (f"{API}/registered-models/alias?name={name}&alias=a5", str(6 * count // 10)),
            "get_version": (f"{API}/model-versions/get?name={name}&version={count // 2}", str(count // 2)),
            # A browser loads 4.4 MB of script as well, the first time; this is what each visit waits for.
            "ui_page": (_search(own, 25).replace("/api/", "/ajax-api/"), f'"{count}"'),
        }
        return {case: {"path": path, "expect": expect} for case, (path, expect) in found.items()}

    def blob_url(self, ref: Any) -> tuple[str, dict[str, str]]:
        place = f"{ref['exp']}/{ref['run']}/artifacts/data/weights.bin"
        return f"{self.base}/api/2.0/mlflow-artifacts/artifacts/{place}", {}


def _version_row(collection: str, number: int, begun: int) -> tuple[object, ...]:
    at, source = begun + number * 1000, _source(number)
    return collection, number, at, at, f"nightly build {number}", source, f"{number:032x}", source


def _source(number: int) -> str:
    return f"mlflow-artifacts:/1/{number:032x}/artifacts/model"


def _search(wanted: str, size: int, token: str | None = None) -> str:
    query = {"filter": wanted, "max_results": size, **({"page_token": token} if token else {})}
    return f"{API}/model-versions/search?{urllib.parse.urlencode(query)}"


class Client(base.Client):
    """`log_artifacts` and `create_model_version`; `download_artifacts` of models:/…"""

    def open(self) -> None:
        import logging

        import mlflow
        from mlflow import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        mlflow.set_tracking_uri(self.conf["base"])
        self._mlflow, self._client = mlflow, MlflowClient(self.conf["base"])

    def publish(self, name: str, path: str) -> Any:
        found = self._client.get_experiment_by_name(name)
        run = self._client.create_run(found.experiment_id if found else self._client.create_experiment(name))
        number = run.info.run_id
        self._client.log_artifacts(number, path, "data")
        self._ensure(name)
        source = f"{run.info.artifact_uri}/data"
        version = self._client.create_model_version(name, source, number, await_creation_for=0).version
        self._client.set_terminated(number)
        return {"name": name, "version": version, "run": number, "exp": run.info.experiment_id}

    def download(self, ref: Any, dest: str) -> None:
        uri = f"models:/{ref['name']}/{ref['version']}"
        self._mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=dest)

    def meta(self, name: str, count: int) -> None:
        self._ensure(name)
        run = self._client.create_run("0").info
        for _ in range(count):
            source = run.artifact_uri + "/model"
            version = self._client.create_model_version(
                name, source, run.run_id, await_creation_for=0
            ).version
            self._client.set_registered_model_alias(name, "champion", version)
            self._client.set_model_version_tag(name, version, "stage", "prod")

    def _ensure(self, name: str) -> None:
        from mlflow.exceptions import RestException

        try:
            self._client.create_registered_model(name)
        except RestException as error:
            if "ALREADY_EXISTS" not in str(error):
                raise
