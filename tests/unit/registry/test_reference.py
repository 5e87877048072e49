from __future__ import annotations

import pytest

from amalgam.errors import AmalgamError
from amalgam.registry.reference import Reference, parse


@pytest.mark.parametrize("text", ["vision/trainer:1.0", "vision/team/trainer_a:V1.0-rc", "a/b__c:latest"])
def test_a_name_in_a_project_is_read_and_written_alike(text: str) -> None:
    assert str(parse(text)) == text


def test_the_first_component_is_the_project() -> None:
    assert Reference("vision/team/trainer", "1").project == "vision"


@pytest.mark.parametrize(
    "text",
    [
        "trainer:1.0",
        "vision/trainer",
        "Vision/trainer:1",
        "vision//trainer:1",
        "vision/trainer:",
        "../x/y:1",
        "a/b:1\n",
    ],
)
def test_what_is_no_such_name_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(AmalgamError, match="no name of an image") as refusal:
        parse(text)
    assert "PROJECT/NAME:TAG" in refusal.value.remedy
