"""The doctor: would everything work tonight, on this machine, for this workspace?

    findings = examine(ctx)      one line each: ok, warning or failed, and what to do next

Each check stands by itself: one that cannot look says so and keeps no other from looking. Nothing is changed but
what opening the store does; no mail is sent, no secret is shown. Called by `tocsin doctor`.
"""

from tocsin.doctor.examination import Examination, examine
from tocsin.doctor.finding import Finding, Outcome

__all__ = ["Examination", "Finding", "Outcome", "examine"]
