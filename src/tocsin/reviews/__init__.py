"""Looking back at an incident, without blame: what took how long, what waited for whom, what prevents the next.

    open_review(ctx, INC)    say(...)    accept(...)    refuse(...)    sign(ctx, INC, review_page(...))
    propose(ctx, causes)     what would prevent them: measures, published cases, overdue practices, open findings

An incident is reviewed when a named person has signed; every proposal was accepted or refused by then.
"""

from tocsin.reviews.keeping import (
    QUESTIONS,
    Accepted,
    KeptProposal,
    Review,
    accept,
    missing_for_signing,
    open_review,
    page_path,
    refuse,
    review_of,
    say,
    sign,
)
from tocsin.reviews.looking_back import LookedBack, Span, Waited, look_back
from tocsin.reviews.page import review_facts, review_page, review_pdf
from tocsin.reviews.proposing import Proposal, propose

__all__ = [
    "QUESTIONS",
    "Accepted",
    "KeptProposal",
    "LookedBack",
    "Proposal",
    "Review",
    "Span",
    "Waited",
    "accept",
    "look_back",
    "missing_for_signing",
    "open_review",
    "page_path",
    "propose",
    "refuse",
    "review_facts",
    "review_of",
    "review_page",
    "review_pdf",
    "say",
    "sign",
]
