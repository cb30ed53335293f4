"""The law of a breach, as pure functions over one facts document and dated data files.

`assess` judges the facts; `clocks` counts deadlines; `authority` names the regulator; `regimes` screens
what else applies. Nothing here decides: it proposes, with reasons, and a person decides.
"""

from typing import TYPE_CHECKING

from tocsin.lazily import handed_out

if TYPE_CHECKING:
    from tocsin.law.assessment import Assessment, Duty, assess

__all__ = ["Assessment", "Duty", "assess"]

# To count a clock takes a tenth of the time that loading the assessment does.
__getattr__ = handed_out(__name__, {"assessment": ("Assessment", "Duty", "assess")})
