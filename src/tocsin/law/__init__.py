"""The law of a breach, as pure functions over one facts document and dated data files.

`assess` judges the facts; `clocks` counts deadlines; `authority` names the regulator; `regimes` screens
what else applies. Nothing here decides: it proposes, with reasons, and a person decides.
"""

from tocsin.law.assessment import Assessment, Duty, assess

__all__ = ["Assessment", "Duty", "assess"]
