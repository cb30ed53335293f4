"""A review as a test needs it where it is not about reviews: opened, answered, all refused, signed."""

from tocsin.context import Context
from tocsin.reviews import QUESTIONS, open_review, refuse, review_page, say, sign


def sign_a_review(ctx: Context, incident: str) -> None:
    """Open, fill in and sign the review of an incident that is recovered."""
    open_review(ctx, incident)
    found = say(ctx, incident, causes=("other",), answers=dict.fromkeys(QUESTIONS, "Nothing."))
    if found.undecided:
        refuse(ctx, incident, [each.number for each in found.undecided], "Not in this test.")
    sign(ctx, incident, review_page(ctx, incident, signed_by=ctx.actor.person))
