"""Every step kind, by the word after `uses:`. A new kind is a class in `steps/` and a line here."""

from tocsin.runbook.kinds import StepKind
from tocsin.runbook.steps.backup import Hold, LastGoodSnapshot, PauseBackups
from tocsin.runbook.steps.human import Ask, Decide, Task
from tocsin.runbook.steps.notice import Draft, Send

KINDS: dict[str, StepKind] = {
    kind.name: kind
    for kind in (Ask(), Decide(), Task(), Hold(), PauseBackups(), LastGoodSnapshot(), Draft(), Send())
}
