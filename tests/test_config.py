"""roadmap.toml: what is read, what is refused and how the message helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadmap_analytics import config
from roadmap_analytics.errors import ConfigurationError

WHOLE = """
[gitlab]
url = "https://git.example.org"
groups = ["sigsum"]
projects = ["ops/machines"]
section = "work"
jobs = 8

[roadmaps]
project = "sigsum/project/documentation"
pattern = "archive/*-roadmap.md"
ref = "main"

[people]
ada = ["Ada L.", "ada.old"]

[calendar]
timezone = "Europe/Stockholm"
workdays = ["Monday", "tue", "Wed", "Thu"]
holidays = [2025-12-24, "2025-12-25"]
"summer holidays" = "2025-07-08/2025-08-18"

[labels]
future = "Later"

[milestones]
draft_prefix = "DRAFT "
"""


def test_every_key_is_read() -> None:
    found = config.parse(WHOLE)
    assert found == config.Config(
        url="https://git.example.org",
        groups=["sigsum"],
        projects=["ops/machines"],
        section="work",
        jobs=8,
        roadmaps_project="sigsum/project/documentation",
        roadmaps_pattern="archive/*-roadmap.md",
        roadmaps_ref="main",
        people={"ada": ["Ada L.", "ada.old"]},
        calendar={
            "timezone": "Europe/Stockholm",
            "workdays": ["Mon", "Tue", "Wed", "Thu"],
            "holidays": ["2025-12-24", "2025-12-25"],
            "periods": {"summer holidays": "2025-07-08/2025-08-18"},
        },
        labels={"future": "Later"},
        milestones={"draft_prefix": "DRAFT "},
    )
    assert set(found.for_dataset()) == {"people", "calendar", "labels", "milestones"}


def test_nothing_is_required() -> None:
    assert config.parse("") == config.Config()
    assert config.Config().milestones == {"draft_prefix": "DRAFT: "}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gitlab]\ngruops = []", "roadmap.toml: [gitlab] gruops is unknown. Did you mean groups?"),
        ("[peple]", "[peple] is unknown. Did you mean people?"),
        ("[roadmaps]\nPatern = 'x'", "Did you mean pattern?"),
        ("[calendar]\ntimezon = 'UTC'", "Did you mean timezone?"),
        ("people = 3", "people: expected a section, got 3"),
        ("[gitlab]\njobs = true", "[gitlab] jobs: expected a number from 1 to 64, got True"),
        ("[gitlab]\ngroups = 'sigsum'", "groups: expected a list of texts, got a text"),
        ("[roadmaps]\npath='a'\nproject='b'", "path and project: expected one of them"),
        ("[people]\na = ['Ann']\nb = ['ann']", "each spelling with one person"),
        ("[people]\na = 'Ann'", "a: expected a list of other spellings"),
        ("[calendar]\ntimezone = 'Mars'", "timezone: expected an IANA time zone"),
        ("[calendar]\nworkdays = ['Caturday']", "workdays: expected a list of Mon, Tue"),
        ("[calendar]\nholidays = ['2025-13-01']", "holidays: expected a day such as"),
        ("[calendar]\nsummer = '2025-08-18/2025-07-08'", "summer: expected first day/last day"),
        ("[calendar]\nsummer = 'July/August'", "summer: expected first day/last day"),
        ("[gitlab", "expected TOML, got"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        config.parse(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


SECRET = "hunter2-hunter2"
MISPLACED = [
    f"gitlab = '{SECRET}'",
    f"[gitlab]\nurl = ['{SECRET}']",
    f"[gitlab]\ngroups = '{SECRET}'",
    f"[gitlab]\ngroups = [['{SECRET}']]",
    f"[gitlab]\nsection = {{token = '{SECRET}'}}",
    f"[gitlab]\njobs = '{SECRET}'",
    f"[gitlab]\ntoken = '{SECRET}'",
    f"[roadmaps]\npath = ['{SECRET}']",
    f"[roadmaps]\npath = '{SECRET}'\nproject = '{SECRET}'",
    f"[people]\nada = '{SECRET}'",
    f"[people]\nada = {{x = '{SECRET}'}}",
    f"[calendar]\nworkdays = '{SECRET}'",
    f"[calendar]\nworkdays = ['{SECRET}']",
    f"[calendar]\nholidays = '{SECRET}'",
    f"[calendar]\ntimezone = ['{SECRET}']",
    f"[labels]\nfuture = ['{SECRET}']",
    f"[milestones]\ndraft_prefix = ['{SECRET}']",
    f"{SECRET}",
    f"[gitlab]\nurl = '{SECRET}",
]


@pytest.mark.parametrize("text", MISPLACED)
def test_no_value_of_a_wrong_type_is_printed(text: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        config.parse(text)
    assert "hunter2" not in str(error.value)


def test_a_token_in_the_calendar_is_not_printed() -> None:
    for key in ("timezone", "summer"):
        with pytest.raises(ConfigurationError) as error:
            config.parse(f"[calendar]\n{key} = 'glpat-abcdefgh/ijklmnop'")
        assert "abcdefgh" not in str(error.value)


@pytest.mark.parametrize("opening", ["[", "{a=", "{a=["])
def test_toml_of_many_levels_is_refused_in_a_line(opening: str) -> None:
    with pytest.raises(ConfigurationError, match="expected TOML") as error:
        config.parse(f"a = {opening * 20_000}")
    assert "\n" not in str(error.value)
    with pytest.raises(ConfigurationError, match="expected TOML") as error:
        config.parse("a = " + "[" * 20_000 + "]" * 20_000)
    assert "\n" not in str(error.value)


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected at most 1,048,576 bytes"):
        config.load("/dev/zero")


@pytest.mark.parametrize("content", [None, b"\xff\xfe[gitlab]"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "roadmap.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="expected a readable TOML file"):
        config.load(file)
