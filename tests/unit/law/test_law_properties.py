"""What must hold of every document, not just of the cases: order, and what not knowing may do."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from law_documents import answers, changed, judged, weight
from tocsin.model.vocabulary import (
    BackupState,
    Cause,
    DataCode,
    Deletion,
    Exfiltration,
    Identification,
    Insight,
    Intent,
    KeyState,
    Kind,
    Logs,
    PeopleGroup,
    ProtectionState,
    RecipientType,
    Role,
    ServiceImpact,
)

YES_NO = st.sampled_from(["yes", "no"])


def words(enum):
    return st.sampled_from([str(word) for word in enum])


def listed(enum, most):
    return st.lists(words(enum), min_size=1, max_size=most, unique=True)


DECISIVE = {
    "role": words(Role),
    "kinds": listed(Kind, 3),
    "cause": words(Cause),
    "intent": words(Intent),
    "data": listed(DataCode, 4),
    "identification": words(Identification),
    "exfiltration": words(Exfiltration),
    "logs": words(Logs),
    "service_impact": words(ServiceImpact),
    "people__groups": listed(PeopleGroup, 2),
    "people__count": st.sampled_from([1, 40, 999, 1000, 99_999, 100_000, 2_000_000]),
    "protection__state": words(ProtectionState),
    "protection__key": words(KeyState),
    "recipient__type": words(RecipientType),
    "recipient__count": st.sampled_from([1, 15, 99, 100, 60_000]),
    "recipient__duty_of_secrecy": YES_NO,
    "recipient__deletion": words(Deletion),
    "recipient__opened": YES_NO,
    "backup__state": words(BackupState),
    "restored__done": YES_NO,
    "restored__hours": st.sampled_from([0, 1, 23, 24, 71, 72, 500]),
}
RAISING = {
    "insight": words(Insight),
    "people__vulnerable": YES_NO,
    "recipient__hostile": YES_NO,
    "misuse_seen": YES_NO,
    "safety_risk": YES_NO,
    "exploited": YES_NO,
}
COMPLETE = st.fixed_dictionaries(DECISIVE)
DOCUMENTS = st.fixed_dictionaries({}, optional={**DECISIVE, **RAISING})
AS_CONTROLLER = COMPLETE.map(lambda facts: {**facts, "role": "controller"})


def document(facts):
    return changed({}, **facts)


@settings(max_examples=300, deadline=None)
@given(COMPLETE, st.fixed_dictionaries({}, optional=RAISING), st.data())
def test_what_is_settled_stays_settled_however_the_unknown_facts_turn_out(facts, raising, data):
    complete = judged(document({**facts, **raising}))
    assume(not complete.contradictions)
    hidden = data.draw(st.sets(st.sampled_from(sorted(DECISIVE))))
    partial = judged(document({**{k: v for k, v in facts.items() if k not in hidden}, **raising}))
    for to, required in answers(partial).items():
        assert required in {"unclear", answers(complete)[to]}, to


@settings(max_examples=200, deadline=None)
@given(DOCUMENTS)
def test_an_unclear_duty_has_an_open_question_and_a_question_only_names_what_is_not_known(facts):
    found = judged(document(facts))
    doubted = bool(found.contradictions)
    asked = {question.fact for question in found.open_questions}
    for to, required in answers(found).items():
        questions = [question for question in found.open_questions if to in question.could_change]
        assert required != "unclear" or any(question.fact != "personal_data" for question in questions), to
    assert doubted or not asked & {name.replace("__", ".") for name in facts}


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS)
def test_the_same_facts_come_to_the_same_and_hold_no_floats(facts):
    one, other = judged(document(facts)), judged(document(facts))
    assert one == other
    assert not list(floats(one.to_json()))


@settings(max_examples=100, deadline=None)
@given(COMPLETE)
def test_with_every_fact_known_and_none_in_contradiction_nothing_is_unclear(facts):
    found = judged(document(facts))
    assume(not found.contradictions)
    assert "unclear" not in answers(found).values()


ORDERED = {
    "people__count": [1, 999, 1000, 99_999, 100_000],
    "protection__key": ["safe", "exposed"],
    "recipient__type": ["none", "colleague", "trusted", "known", "many", "unidentified", "attacker", "public"],
    "recipient__deletion": ["confirmed", "requested", "refused"],
    "recipient__duty_of_secrecy": ["yes", "no"],
    "recipient__count": [1, 99, 100],
    "identification": ["none", "pseudonymous", "indirect", "direct"],
    "insight": ["none", "little", "ordinary", "detailed"],
    "logs": ["complete", "partial", "missing"],
    "exfiltration": ["ruled_out", "unlikely", "possible", "confirmed", "published"],
    "service_impact": ["none", "minor", "major", "care_or_safety"],
    "backup__state": ["intact", "partial", "paper_only", "lost", "none"],
    "restored__hours": [0, 23, 24, 71, 72],
    "restored__done": ["yes", "no"],
}


@settings(max_examples=300, deadline=None)
@given(AS_CONTROLLER, st.sampled_from(sorted(ORDERED)), st.data())
def test_worse_facts_never_lower_a_duty(facts, fact, data):
    values = ORDERED[fact]
    better = data.draw(st.integers(0, len(values) - 2))
    worse = data.draw(st.integers(better + 1, len(values) - 1))
    one, other = (judged(document({**facts, fact: values[at]})) for at in (better, worse))
    assume(not one.contradictions and not other.contradictions)
    assert all(before <= after for before, after in zip(weight(one), weight(other), strict=True))


@settings(max_examples=300, deadline=None)
@given(AS_CONTROLLER, st.sampled_from(["encrypted", "hashed_strong", "hashed_weak", "pseudonymised"]))
def test_no_protection_is_never_better_than_some(facts, state):
    some, none = (judged(document({**facts, "protection__state": each})) for each in (state, "none"))
    assert all(before <= after for before, after in zip(weight(some), weight(none), strict=True))


@settings(max_examples=300, deadline=None)
@given(AS_CONTROLLER, words(DataCode))
def test_more_data_never_lowers_a_duty(facts, code):
    before, after = (judged(document({**facts, "data": data})) for data in (facts["data"], [*facts["data"], code]))
    assert all(low <= high for low, high in zip(weight(before), weight(after), strict=True))


@settings(max_examples=150, deadline=None)
@given(COMPLETE)
def test_a_processor_always_tells_its_clients(facts):
    found = answers(judged(document({**facts, "role": "processor"})))
    assert found == {"register": "yes", "regulator": "no", "people": "no", "controllers": "yes"}


def floats(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from floats(item)
    elif isinstance(value, float):
        yield value
