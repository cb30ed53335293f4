"""Every step kind, by the word after `uses:`. A new kind is a class in `steps/` and a line here."""

from tocsin.runbook.kinds import StepKind
from tocsin.runbook.steps.asking_mysql import QueryMysql
from tocsin.runbook.steps.backup import Hold, LastCleanSnapshot, LastGoodSnapshot, PauseBackups
from tocsin.runbook.steps.calling import CallPlaybook
from tocsin.runbook.steps.choosing import ChooseSnapshot
from tocsin.runbook.steps.contain_accounts import LockAccount
from tocsin.runbook.steps.contain_databases import LockMysqlAccount, LockPostgresRole
from tocsin.runbook.steps.contain_hosts import BlockAddress, IsolateHost
from tocsin.runbook.steps.contain_request import ContainByRequest
from tocsin.runbook.steps.contain_secrets import RevokeKeys, RotateSecret
from tocsin.runbook.steps.contain_services import HoldingPage, TakeServiceDown
from tocsin.runbook.steps.evidence import Add, Collect
from tocsin.runbook.steps.human import Ask, Decide, Task
from tocsin.runbook.steps.loading import RestoreDatabase
from tocsin.runbook.steps.notice import Draft, Send
from tocsin.runbook.steps.processes import FreezeProcesses, KillProcesses, ListProcesses
from tocsin.runbook.steps.programs import RunCommand, SshCommand
from tocsin.runbook.steps.protecting import ResumeBackups, RunBackup
from tocsin.runbook.steps.proving import VerifyApplication, VerifySql
from tocsin.runbook.steps.restoring import Recover, RestoreFiles, VerifyRestore
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
        Collect(),
        Add(),
        Hold(),
        PauseBackups(),
        ResumeBackups(),
        RunBackup(),
        LastGoodSnapshot(),
        LastCleanSnapshot(),
        Recover(),
        ChooseSnapshot(),
        RestoreFiles(),
        RestoreDatabase(),
        VerifyRestore(),
        VerifySql(),
        VerifyApplication(),
        VerifyFile(),
        VerifyCommand(),
        VerifyHttp(),
        QueryPostgres(),
        QueryMysql(),
        RunCommand(),
        SshCommand(),
        AskHttp(),
        IsolateHost(),
        BlockAddress(),
        LockAccount(),
        LockPostgresRole(),
        LockMysqlAccount(),
        RevokeKeys(),
        RotateSecret(),
        TakeServiceDown(),
        HoldingPage(),
        ContainByRequest(),
        ListProcesses(),
        FreezeProcesses(),
        KillProcesses(),
        StopService(),
        StartService(),
        Draft(),
        Send(),
    )
}
