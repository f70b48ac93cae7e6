"""Train real models on real data and log all of it: what a project looks like after a few weeks of work.

Run it with `make demo` while `make run` serves. It is also the example to read: everything below is the
public client, in the order in which a team meets it. The data sets are those that ship with scikit-learn.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import joblib
import numpy as np
import strongroom
import urllib3
from PIL import Image
from sklearn import (
    datasets,
    ensemble,
    linear_model,
    metrics,
    model_selection,
    naive_bayes,
    neighbors,
    pipeline,
    preprocessing,
    svm,
)
from strongroom import settings as client_settings


@dataclass(frozen=True)
class Task:
    """One data set and what is trained on it."""

    name: str
    load: Any
    kind: str  # "classes" or "numbers"
    card: str
    models: dict[str, Any]


def scaled(model: Any) -> Any:
    """Put a scaler before a model that needs features of one size."""
    return pipeline.make_pipeline(preprocessing.StandardScaler(), model)


SEED = 7
REGISTRY, CHECK = "models", "ci/load-time"
HOW = (
    "Registries belong to organizations and take what teams log: log as a team (STRONGROOM_ENTITY), and let an admin "
    "of its organization make the registry, or name the organization that you administer (--organization)."
)
TASKS = [
    Task(
        "digits",
        datasets.load_digits,
        "classes",
        "1,797 handwritten digits of 8 × 8 pixels, each pixel a grey value from 0 to 16.",
        {
            "logistic": scaled(linear_model.LogisticRegression(max_iter=500)),
            **{f"neighbours-{n}": neighbors.KNeighborsClassifier(n) for n in (1, 5, 25)},
            **{f"forest-{n}": ensemble.RandomForestClassifier(n, random_state=0) for n in (10, 40, 160)},
            **{f"svm-{n}e-4": svm.SVC(gamma=n * 1e-4) for n in (1, 40, 10)},
        },
    ),
    Task(
        "wine",
        datasets.load_wine,
        "classes",
        "178 wines of one region from three cultivars, described by 13 chemical measurements.",
        {
            "logistic": scaled(linear_model.LogisticRegression(max_iter=500)),
            "forest": ensemble.RandomForestClassifier(n_estimators=80, random_state=0),
            "boosting": ensemble.GradientBoostingClassifier(n_estimators=60, random_state=0),
        },
    ),
    Task(
        "breast-cancer",
        datasets.load_breast_cancer,
        "classes",
        "569 tumours, malignant or benign, described by 30 measurements of cell nuclei.",
        {
            "logistic": scaled(linear_model.LogisticRegression(max_iter=500)),
            "forest": ensemble.RandomForestClassifier(n_estimators=100, random_state=0),
            "boosting": ensemble.GradientBoostingClassifier(n_estimators=80, random_state=0),
        },
    ),
    Task(
        "diabetes",
        datasets.load_diabetes,
        "numbers",
        "442 patients, ten measurements at the start, and how far the disease went within a year.",
        {
            "ridge": linear_model.Ridge(alpha=0.5),
            "lasso": linear_model.Lasso(alpha=0.1),
            "forest": ensemble.RandomForestRegressor(n_estimators=120, random_state=0),
        },
    ),
]


def write_table(path: Path, features: list[str], data: np.ndarray, target: np.ndarray) -> None:
    """Write rows as CSV with a header."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow([*features, "target"])
        out.writerows([*map(float, row), value] for row, value in zip(data, target.tolist(), strict=True))


def write_contact_sheet(path: Path, images: np.ndarray, columns: int = 16) -> None:
    """Write the first images of a data set as one PNG."""
    rows = len(images) // columns
    sheet = (
        images[: rows * columns]
        .reshape(rows, columns, 8, 8)
        .transpose(0, 2, 1, 3)
        .reshape(rows * 8, columns * 8)
    )
    Image.fromarray((255 - sheet * 15.9).astype("uint8")).resize(
        (columns * 32, rows * 32), Image.Resampling.NEAREST
    ).save(path)


def split(bunch: Any, test_share: float) -> list[np.ndarray]:
    """Split a data set the same way every time."""
    return list(
        model_selection.train_test_split(bunch.data, bunch.target, test_size=test_share, random_state=SEED)
    )


def write_dataset(task: Task, test_share: float, folder: Path) -> dict[str, Any]:
    """Write the files of a data set: tables, facts, and for the digits pictures of some; return what to say of it."""
    bunch = task.load()
    train, test, train_target, test_target = split(bunch, test_share)
    features = [
        str(name).replace(" ", "_") for name in getattr(bunch, "feature_names", range(train.shape[1]))
    ]
    (folder / "splits").mkdir(parents=True)
    write_table(folder / "splits" / "train.csv", features, train, train_target)
    write_table(folder / "splits" / "test.csv", features, test, test_target)
    (folder / "features.json").write_text(json.dumps(features, indent=1))
    if task.name == "digits":
        for digit in range(10):
            (folder / "examples" / str(digit)).mkdir(parents=True)
            of_digit = bunch.images[bunch.target == digit]
            write_contact_sheet(folder / "examples" / str(digit) / "sheet.png", of_digit[:64], columns=8)
    (folder / "README.md").write_text(dataset_card(task, len(train), len(test)))
    return {
        "rows": len(bunch.data),
        "features": train.shape[1],
        "test_share": test_share,
        "split": {"train": len(train), "test": len(test), "seed": SEED},
    }


def dataset_card(task: Task, train: int, test: int) -> str:
    """Write a dataset card."""
    return (
        f"## {task.name}\n\n{task.card}\n\n| split | rows |\n|---|---|\n"
        f"| train | {train:,} |\n| test | {test:,} |\n"
    )


def log_dataset(project: str, task: Task, test_share: float, folder: Path) -> strongroom.Artifact:
    """Log one version of a data set."""
    name, config = f"prepare-{task.name}", {"test_share": test_share}
    with strongroom.init(project, name=name, job_type="prepare-data", config=config) as run:
        metadata = write_dataset(task, test_share, folder)
        card = (folder / "README.md").read_text()
        data = strongroom.Artifact(task.name, type="dataset", description=card, metadata=metadata)
        data.add_dir(str(folder))
        return run.log_artifact(data, aliases=["stable"] if test_share == 0.25 else [], tags=["tabular"])


def score(task: Task, truth: np.ndarray, guess: np.ndarray) -> dict[str, float]:
    """Measure predictions on the test split."""
    if task.kind == "classes":
        return {
            "accuracy": round(metrics.accuracy_score(truth, guess), 4),
            "f1_macro": round(metrics.f1_score(truth, guess, average="macro"), 4),
        }
    return {
        "r2": round(metrics.r2_score(truth, guess), 4),
        "mae": round(metrics.mean_absolute_error(truth, guess), 3),
    }


def read_table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a split back as features and target."""
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    return rows[:, :-1], rows[:, -1]


def model_card(
    task: Task, name: str, data: strongroom.Artifact, scores: dict[str, float], seconds: float
) -> str:
    """Write a model card from what was measured."""
    rows = "".join(f"| {key} | {value} |\n" for key, value in scores.items())
    return (
        f"## {task.name}: {name}\n\nTrained on `{data.name}` in {seconds:.2f} s.\n\n"
        f"| metric on the test split | value |\n|---|---|\n{rows}\n"
        "### Limits\n\n- Seen only the data set named above.\n- Not checked for drift.\n\n"
        '### How to load\n\n```python\nimport joblib\n\nmodel = joblib.load("model.joblib")\n```\n'
    )


def train(
    project: str, task: Task, name: str, model: Any, alias: str, folder: Path
) -> tuple[float, strongroom.Artifact]:
    """Train one model on a version of the data, and log it with its card and metrics."""
    config = {"model": name, "data": alias}
    with strongroom.init(project, name=f"train-{task.name}-{name}", job_type="train", config=config) as run:
        data = run.use_artifact(f"{task.name}:{alias}")
        files = Path(data.download())
        features, target = read_table(files / "splits" / "train.csv")
        began = time.perf_counter()
        model.fit(features, target)
        seconds = time.perf_counter() - began
        truth_features, truth = read_table(files / "splits" / "test.csv")
        guess = model.predict(truth_features)
        scores = score(task, truth, guess)
        folder.mkdir(parents=True)
        joblib.dump(model, folder / "model.joblib", compress=3)
        (folder / "metrics.json").write_text(json.dumps(scores, indent=1))
        np.savetxt(
            folder / "predictions.csv",
            np.column_stack([truth, guess]),
            delimiter=",",
            header="truth,guess",
            comments="",
        )
        artifact = strongroom.Artifact(
            f"{task.name}-model",
            type="model",
            description=model_card(task, name, data, scores, seconds),
            metadata={
                **scores,
                "algorithm": name,
                "train_seconds": round(seconds, 3),
                "data": {"name": data.name, "rows": {"train": len(features), "test": len(truth)}},
            },
        )
        artifact.add_dir(str(folder))
        run.summary.update(scores)
        logged = run.log_artifact(artifact, aliases=[f"{name}-latest"], tags=[name, task.kind])
    return next(iter(scores.values())), logged


def label(results: list[tuple[float, strongroom.Artifact]]) -> None:
    """Mark the best model, keep it for ever, and let the weakest one expire in a month."""
    ranked = sorted(results, key=lambda pair: pair[0])
    best, worst = ranked[-1][1], ranked[0][1]
    best.aliases = [*best.aliases, "best"]
    best.ttl = None
    best.save()
    if worst.id != best.id:
        worst.ttl = timedelta(days=30)
        worst.save()


def fail(project: str, task: Task) -> None:
    """Train what cannot be trained, as happens: the run has failed, and has logged nothing."""
    name, config = f"train-{task.name}-naive-bayes", {"model": "naive-bayes", "data": "stable"}
    begun = strongroom.init(project, name=name, job_type="train", config=config)
    with contextlib.suppress(ValueError), begun as run:
        data = run.use_artifact(f"{task.name}:stable")
        features, target = read_table(Path(data.download()) / "splits" / "train.csv")
        # It counts, and cannot count below zero, where scaled features lie.
        scaled(naive_bayes.MultinomialNB()).fit(features, target)


def throw_away(project: str, task: Task, folder: Path) -> strongroom.Artifact:
    """Log a version by mistake, with nearly all rows in the test split, and move it to the trash."""
    mistake = log_dataset(project, task, 0.9, folder)
    mistake.delete(delete_aliases=True)  # it holds `latest`, which falls back to the version before
    return mistake


def describe(task: Task, model: strongroom.Artifact) -> None:
    """Say on the page of the collection what its versions are."""
    collection = model.collection
    collection.description = (
        f"## Models of {task.name}\n\n{task.card}\n\n"
        "`best` is the version with the best score on the test split. Load it by that alias:\n\n"
        f'```python\nfolder = strongroom.Api().artifact("{collection.qualified_name}:best").download()\n```\n'
    )
    collection.tags = ["scikit-learn", task.kind]
    collection.save()


def ask(method: str, *path: str, body: dict[str, Any]) -> bool:
    """Ask the REST API for what the client leaves to admins; False when the key may not, or it is there already."""
    server = client_settings.load()
    address = "/".join([server.base_url, "api/v1", *(quote(part, safe="") for part in path)])
    answer = urllib3.request(
        method, address, json=body, headers={"Authorization": f"Bearer {server.api_key}"}
    )
    if answer.status not in (200, 201, 403, 409):
        raise strongroom.StrongroomError(f"{method} {address} was answered with {answer.status}.")
    return answer.status in (200, 201)


def make_registry(organization: str) -> None:
    """Make the registry, and say which sections the cards in it must have."""
    place = ("organizations", organization, "registries")
    about = "Models that were reviewed, and which of them is in production."
    settings = {"name": REGISTRY, "icon": "box", "accepted_types": ["model"], "description": about}
    if ask("POST", *place, body=settings):
        ask("PATCH", *place, REGISTRY, "card-template", body={"required": ["Limits", "How to load"]})


def protect(organization: str) -> bool:
    """Let `production` move by promotions alone from now on; False when the key may not say so."""
    # Both measures of the digits are better the higher they are; a new model may be a little worse in one.
    told = [
        {"metric": name, "not_worse_by": 0.005, "direction": "higher"} for name in ("accuracy", "f1_macro")
    ]
    rule = {
        "approvals": 1,
        "author_may_approve": True,
        "required_checks": ["strongroom/card", "strongroom/metrics", CHECK],
        "check_settings": {"strongroom/metrics": {"rules": told}},
    }
    place = ("organizations", organization, "registries", REGISTRY, "protected", "production")
    return ask("PUT", *place, body=rule)


def publish(organization: str, results: list[tuple[float, strongroom.Artifact]]) -> Iterator[str]:
    """Link models into the registry of the organization, and propose the best one for production."""
    ranked = [model for _, model in sorted(results, key=lambda pair: pair[0])]
    target = f"wandb-registry-{REGISTRY}/{ranked[-1].collection.name}"
    if organization:
        make_registry(organization)
    try:
        links = [model.link(target) for model in ranked[-3:]]
    except strongroom.StrongroomError as error:
        yield f"Left out: the registry. {error} {HOW}"
        return
    best = links[-1].qualified_name
    yield f"{best} is linked, and two before it"
    if not strongroom.Api().artifact_exists(f"{best.rpartition(':')[0]}:production"):
        with contextlib.suppress(strongroom.StrongroomError):
            # As long as nothing protects it, it is moved as any other alias.
            links[0].aliases = [*links[0].aliases, "production"]
            links[0].save()
    if not organization or not protect(organization):
        yield "Left out: the rule of production, which is for admins of the registry to set."
    seconds = time_to_load(ranked[-1])
    finding = f"{seconds * 1000:.2f} ms to load the model"
    reason = f"The best score on the test split: **{max(score for score, _ in results)}**."
    try:
        strongroom.Api().post_check(best, CHECK, "success", finding=finding)
        asked = strongroom.Api().request_promotion(best, "production", reason=reason)
    except strongroom.StrongroomError as error:
        # Of a demo before this one: it is in review, or holds the alias.
        yield f"Left out: the promotion. {error}"
        return
    yield f"Promotion {asked.number} asks that it become production: {asked.url}"


def time_to_load(model: strongroom.Artifact) -> float:
    """Measure what a job of continuous integration would: how long the model takes to load."""
    file = Path(model.download()) / "model.joblib"
    began = time.perf_counter()
    joblib.load(file)
    return time.perf_counter() - began


def work(project: str, scratch: Path, organization: str) -> Iterator[str]:
    """Do it all, and say what was done."""
    for task in TASKS:
        for number, share in enumerate((0.2, 0.25)):
            data = log_dataset(project, task, share, scratch / task.name / f"data-{number}")
            yield f"{data.name:28} {data.file_count} files, {data.size:,} bytes"
        results = []
        for name, model in task.models.items():
            result = train(project, task, name, model, "stable", scratch / task.name / name)
            results.append(result)
            yield f"{result[1].name:28} {name}: {result[0]}"
        label(results)
        describe(task, results[0][1])
        if task is TASKS[0]:
            yield from publish(organization, results)
    fail(project, TASKS[1])
    yield "naive-bayes                  failed: it takes no negative features"
    mistake = throw_away(project, TASKS[-1], scratch / "mistake")
    yield f"{mistake.name:28} logged by mistake, and in the trash"


def page_of(project: str) -> str:
    """Return the address of a project's page: above those of its runs, the last of which was just made."""
    return next(strongroom.Api().runs(project)).url.partition("/runs/")[0]


def main() -> None:
    """Log everything to one project."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", default=os.environ.get("STRONGROOM_PROJECT", "scikit-demo"))
    parser.add_argument(
        "--organization",
        default="",
        help="which you administer: a registry with a rule for production is made there",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="strongroom-demo-") as scratch:
        os.chdir(scratch)
        for line in work(options.project, Path(scratch), options.organization):
            print(line, flush=True)
    print(f"Done. Look at it: {page_of(options.project)}")


if __name__ == "__main__":
    try:
        main()
    except strongroom.StrongroomError as error:
        sys.exit(f"demo: {error}")
