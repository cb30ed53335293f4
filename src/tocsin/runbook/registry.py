"""Every step kind, by the word after `uses:`. A new kind is a class in `steps/` and a line here."""

from tocsin.runbook.kinds import StepKind
from tocsin.runbook.steps.backup import Hold, LastGoodSnapshot, PauseBackups
from tocsin.runbook.steps.calling import CallPlaybook
from tocsin.runbook.steps.human import Ask, Decide, Task
from tocsin.runbook.steps.notice import Draft, Send
from tocsin.runbook.steps.programs import RunCommand, SshCommand
from tocsin.runbook.steps.protecting import ResumeBackups, RunBackup
from tocsin.runbook.steps.restoring import Recover, VerifyRestore
from tocsin.runbook.steps.services import StartService, StopService
from tocsin.runbook.steps.verifying import QueryPostgres, VerifyCommand, VerifyFile
from tocsin.runbook.steps.waiting import Wait
from tocsin.runbook.steps.web import AskHttp, VerifyHttp

KINDS: dict[str, StepKind] = {
    kind.name: kind
    for kind in (
        Ask(),
        Decide(),
        Task(),
        Wait(),
        CallPlaybook(),
        Hold(),
        PauseBackups(),
        ResumeBackups(),
        RunBackup(),
        LastGoodSnapshot(),
        Recover(),
        VerifyRestore(),
        VerifyFile(),
        VerifyCommand(),
        VerifyHttp(),
        QueryPostgres(),
        RunCommand(),
        SshCommand(),
        AskHttp(),
        StopService(),
        StartService(),
        Draft(),
        Send(),
    )
}
