"""What is known of a breach: the document, the patches it is folded from, and the questions that fill it.

A fact that is absent, null or `unknown` is not known yet. It is never read as "no".
"""

from tocsin.law.facts.document import Facts, parse_facts
from tocsin.law.facts.paths import RAISING, FactPath, fact_paths
from tocsin.law.facts.versions import FactPatch, check_patch, fold, value_at

__all__ = [
    "RAISING",
    "FactPatch",
    "FactPath",
    "Facts",
    "check_patch",
    "fact_paths",
    "fold",
    "parse_facts",
    "value_at",
]
