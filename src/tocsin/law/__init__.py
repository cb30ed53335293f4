"""The law of a breach, as pure functions over one facts document and dated data files.

`assess` judges the facts; `clocks` counts deadlines; `authority` names the regulator; `regimes` screens
what else applies. Nothing here decides: it proposes, with reasons, and a person decides.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tocsin.law.assessment import Assessment, Duty, assess

__all__ = ["Assessment", "Duty", "assess"]


def __getattr__(name: str) -> object:
    """Load the assessment only when it is asked for: who counts a clock need not wait for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tocsin.law import assessment  # noqa: PLC0415 - that is the point

    return getattr(assessment, name)
