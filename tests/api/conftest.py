"""Three people and a project, for every test of the API."""

import pytest

from tests import factories
from tests.api.support import Api


@pytest.fixture
def people(db):
    return factories.people()


@pytest.fixture
def project(people):
    return factories.project(people)


@pytest.fixture
def home(project):
    """The address of the project."""
    return f"/projects/{project.entity.name}/{project.name}"


@pytest.fixture
def alice(people):
    return Api(people.alice)


@pytest.fixture
def bob(people):
    return Api(people.bob)


@pytest.fixture
def vera(people):
    return Api(people.vera)


@pytest.fixture
def charlie(people):
    return Api(people.charlie)


@pytest.fixture
def nobody(db):
    return Api(None)
