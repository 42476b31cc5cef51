"""PostgreSQL with pgvector gives the same answers as SQLite to the same questions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from agents.knowledge.answering import Answerer, Question
from agents.knowledge.finding import Finder
from agents.knowledge.passages import Passage
from sessions.database import open_database
from sessions.questions.embeddings import Embedder
from sessions.schema import is_current, migrate
from sessions.settings import Settings
from tests.fixtures.inference import InferenceServer
from tests.fixtures.postgres import Postgres
from tests.fixtures.redis import MakeSettings
from tests.support.processes import ROOT

QUESTIONS = json.loads((ROOT / "bench/data/knowledge.json").read_text(encoding="utf-8"))
ASKED = [one["question"] for part in ("answerable", "unanswerable") for one in QUESTIONS[part]]


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> str:
    """The address of a database at the newest schema."""
    url = postgres.make("knowledge")
    engine = open_database(url)
    assert not is_current(engine)
    migrate(engine)
    migrate(engine)
    assert is_current(engine)
    engine.dispose()
    return url


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = open_database(database)
    yield engine
    engine.dispose()


@pytest.fixture
def on_postgres(make_settings: MakeSettings, inference: InferenceServer, database: str) -> Settings:
    return make_settings(inference_url=inference.url, database_url=database)


def test_answers_when_asked_of_both_databases_then_are_the_same(
    make_settings: MakeSettings, inference: InferenceServer, on_postgres: Settings
) -> None:
    both = (make_settings(inference_url=inference.url), on_postgres)
    sqlite, postgres = (Answerer(settings) for settings in both)
    sqlite.preload(["sample"])
    postgres.preload(["sample"])
    for question in ASKED:
        assert postgres.answer(Question(question)) == sqlite.answer(Question(question)), question
    sqlite.close()
    postgres.close()


def test_a_base_beside_a_large_one_when_asked_then_is_found_whole(
    on_postgres: Settings, engine: Engine
) -> None:
    finder = Finder(on_postgres, Embedder(on_postgres))
    large = [Passage("a.md", "", f"The number of the house is {number}.") for number in range(150)]
    finder.writer.add("large", large)
    finder.writer.add("small", [Passage("b.md", "", "The moon is made of cheese.")])
    [hit] = finder.find(Question("What is the number of the house?", knowledge="small"))
    assert hit.passage.path == "b.md"
    assert finder.storage.remove("large")
    with engine.connect() as connection:
        left = text("SELECT count(*) FROM knowledge_vectors WHERE base = 'large'")
        assert connection.scalar(left) == 0
    finder.close()


def test_the_index_when_asked_alone_then_is_what_searches(
    on_postgres: Settings, engine: Engine
) -> None:
    finder = Finder(on_postgres, Embedder(on_postgres))
    finder.load("sample")
    assert finder.storage.indexed
    finder.close()
    with engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        connection.execute(text("SET enable_sort = off"))
        plan = connection.scalars(
            text(
                "EXPLAIN SELECT passage_id FROM knowledge_vectors "
                "WHERE vector_dims(indexed) = 384 "
                "ORDER BY indexed::vector(384) <=> (SELECT indexed::vector(384) "
                "FROM knowledge_vectors LIMIT 1) LIMIT 5"
            )
        ).all()
    assert any("ix_knowledge_vectors_384" in line for line in plan)


def test_migration_when_pgvector_cannot_be_had_then_bases_work_without_it(
    postgres: Postgres, make_settings: MakeSettings, inference: InferenceServer
) -> None:
    url = postgres.make("plain")
    with postgres.connect() as connection:
        connection.execute("CREATE ROLE plain LOGIN")
        connection.execute("ALTER DATABASE plain OWNER TO plain")
    url = url.replace("postgres@", "plain@")
    engine = open_database(url)
    migrate(engine)
    engine.dispose()
    settings = make_settings(database_url=url, inference_url=inference.url)
    finder = Finder(settings, Embedder(settings))
    assert not finder.storage.indexed
    finder.writer.add("small", [Passage("b.md", "", "The moon is made of cheese.")])
    [hit] = finder.find(Question("What is the moon made of?", knowledge="small"))
    assert hit.passage.text == "The moon is made of cheese."
    finder.close()
