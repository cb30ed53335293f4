"""Everything else that may be owed: other regulators, contracts, insurers, police. Screened for every incident.

The regimes are dated data (`data/regimes.yaml`); `screen` says of each whether it applies, does not, or needs
an answer first, and why.
"""

from tocsin.law.regimes.profile import ClientTerms, Policy, Profile, Regulated
from tocsin.law.regimes.schema import Regime, regimes
from tocsin.law.regimes.screening import RegimeFinding, further_duties, screen

__all__ = [
    "ClientTerms",
    "Policy",
    "Profile",
    "Regime",
    "RegimeFinding",
    "Regulated",
    "further_duties",
    "regimes",
    "screen",
]
