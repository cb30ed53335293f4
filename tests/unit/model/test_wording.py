"""pydantic's findings come out as sentences, at the place in the file, with the nearest right word."""

from datetime import datetime
from typing import Annotated, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tocsin.errors import ConfigurationError
from tocsin.model.vocabulary import Cause
from tocsin.model.yaml_text import load_model, parse_yaml


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Ask(Strict):
    uses: Literal["ask"]
    question: str
    fact: str | None = None


class Hold(Strict):
    uses: Literal["hold"]
    systems: list[str] = []


class Thing(Strict):
    title: str
    cause: Cause | None = None
    count: Annotated[int, Field(strict=True, ge=1)] = 1
    share: float = 0.5
    loud: bool = False
    at: AwareDatetime | datetime | None = None
    names: list[str] = []
    inner: "Thing | None" = None
    steps: list[Annotated[Ask | Hold, Field(discriminator="uses")]] = []
    by_id: dict[str, "Thing"] = {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "f:1:1: title is missing."),
        ("title:", "f:1:1: title has no value."),
        ("titel: x\ntitle: y", "f:1:1: Unknown key 'titel'. Did you mean 'title'?"),
        (
            "title: x\ninner: {title: y, couse: z}",
            "f:2:19: Unknown key 'couse' in inner. Did you mean 'cause'?",
        ),
        (
            "title: x\nby_id: {a: {title: y, cont: 1}}",
            "f:2:23: Unknown key 'cont' in by_id.a. Did you mean 'count'?",
        ),
        (
            "title: x\nsteps: [{uses: ask, question: a, qestion: b}]",
            "f:2:34: Unknown key 'qestion' in steps[0]. Did you mean 'question'?",
        ),
        (
            "title: x\nsteps: [{uses: hold, fact: b}]",
            "f:2:22: Unknown key 'fact' in steps[0]. Known: systems, uses.",
        ),
        ("title: x\nsteps: [{uses: hlod}]", "f:2:16: steps[0].uses cannot be 'hlod'. Did you mean 'hold'?"),
        ("title: x\nsteps: [{}]", "f:2:9: steps[0].uses is missing."),
        ("title: x\nsteps: [{uses: ask}]", "f:2:9: steps[0].question is missing."),
        ("title: x\ncause: ransomwear", "f:2:8: cause cannot be 'ransomwear'. Did you mean 'ransomware'?"),
        ("title: 5", "f:1:8: title must be text, not the number 5. Put it in quotes."),
        ("title: x\ncount: many", "f:2:8: count must be a whole number, not 'many'."),
        ("title: x\ncount: 0", "f:2:8: count must be at least 1, not the number 0."),
        ("title: x\nloud: perhaps", "f:2:7: loud must be true or false, not 'perhaps'."),
        ("title: x\nnames: one", "f:2:8: names must be a list, not 'one'. Write [one]."),
        ("title: x\nnames: [one, 2]", "f:2:14: names[1] must be text, not the number 2. Put it in quotes."),
        ("title: x\ninner: y", "f:2:8: inner must be a map of 'key: value' lines, not 'y'."),
        ("- a", "f:1:1: The file must be a map of 'key: value' lines, not a list."),
        ("", "f: The file is empty."),
    ],
)
def test_it_says_what_is_wrong_where_and_what_was_meant(text, said):
    with pytest.raises(ConfigurationError) as caught:
        load_model(Thing, parse_yaml(text, "f"))
    assert str(caught.value) == said


def test_no_sentence_speaks_pydantic():
    text = "title: 1\ncount: x\nshare: y\nat: z\nnames: {a: b}\nsteps: 1\nby_id: []\ninner: [1]\n"
    with pytest.raises(ConfigurationError) as caught:
        load_model(Thing, parse_yaml(text, "f"))
    assert len(caught.value.problems) == 8
    for jargon in ("Input", "input", "valid", "_type", "dictionary", "instance"):
        assert jargon not in str(caught.value)


def test_problems_come_in_the_files_order():
    with pytest.raises(ConfigurationError) as caught:
        load_model(Thing, parse_yaml("zzz: 1\ncount: x\ntitle: 3\nqqq: 1\n", "f"))
    assert [problem.place.line for problem in caught.value.problems] == [1, 2, 3, 4]
