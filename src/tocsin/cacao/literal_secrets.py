"""Take the secrets out of a document before any of it is kept or shown.

A password that stands in a shared file is known to whoever had the file: it is replaced by a reference such as
`env:EXAMPLE_SECRET_1`, and a person is told to change it and to say where the new one is found. What is a secret
is told by the name it stands under, and in texts by its shape. A base64 text is looked into.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field

from tocsin.cacao.findings import Finding, JsonPath, draft
from tocsin.model.document import Data

_NAMES = re.compile(
    r"(^|[_\W])(pass(word|wd|phrase|code)?|pwd|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|credentials?|"
    r"authorization|x-api-key|client[_-]?secret|cookie|session[_-]?id|bearer)s?($|[_\W])",
    re.IGNORECASE,
)
# Words that end like a secret's name and are none: they say how or where one is kept.
_NOT_SECRET = frozenset({"token_type", "kms_key_identifier", "authentication_info", "token_url", "public_key"})
_VARIABLE = re.compile(r"\s*(Bearer |Basic |Token )?(__[A-Za-z0-9_-]+__(:value)?)?\s*", re.IGNORECASE)
_REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:\S+|credential:\S+|command:.+)")
_VALUE = r"(?P<secret>(?!__|\$|<|\[secret)[^\s'\"&;|]{2,})"
_WORDS = r"(pass(word|wd|phrase)?|pwd|secret|token|api[_-]?key|client[_-]?secret|access[_-]?key)"
_IN_TEXT = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<secret>.+?)(-----END|$)",
        r"\b[a-z][a-z0-9+.-]{0,20}://[^/\s:@]{1,200}:(?P<secret>(?!__)[^@\s/]{1,200})@",
        r"\b(authorization|proxy-authorization)\s*[:=]\s*['\"]?(bearer|basic|token|apikey)?\s*" + _VALUE,
        r"\b(bearer|basic)\s+(?P<secret>[A-Za-z0-9._~+/=-]{16,})",
        r"(^|\s)--?" + _WORDS + r"[= ]\s*['\"]?" + _VALUE,
        r"\b" + _WORDS + r"\s*=\s*['\"]?" + _VALUE,
        # Prose speaks of passwords too: what follows must look like one.
        r"\b" + _WORDS + r"(\s*:\s*|\s+)['\"]?(?=\S*[0-9!$%^*#])(?=\S*[A-Za-z])" + _VALUE,
        r"\bsshpass\s+-p\s*['\"]?" + _VALUE,
        r"\bcurl\b[^\n|;]{0,300}?\s(-u|--user)[ =]?['\"]?[^\s:'\"]{1,100}:" + _VALUE,
        r"\bmysql(dump|admin)?\b[^\n|;]{0,300}?\s-p" + _VALUE,
        r"\b(?P<secret>(AKIA|ASIA)[A-Z0-9]{16})\b",
        r"\b(?P<secret>(ghp|gho|ghs|glpat|xox[abpr]|sk_live|sk-ant)[_-][A-Za-z0-9_-]{10,})\b",
        r"\b(?P<secret>eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,})",
    )
)


@dataclass
class SecretsTakenOut:
    """A copy of a document without its secrets; `references` names what each is replaced by."""

    name: str
    document: dict[str, Data] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    references: list[str] = field(default_factory=list)

    def new_reference(self, path: JsonPath, what: str) -> str:
        """Return the reference that replaces one secret, and say so."""
        word = re.sub(r"[^A-Z0-9]+", "_", self.name.upper()).strip("_") or "IMPORTED"
        reference = f"env:{'N' if word[0].isdigit() else ''}{word}_SECRET_{len(self.references) + 1}"
        self.references.append(reference)
        message = (
            f"A secret stood here in clear ({what}). It was not imported: {reference} stands in its place. "
            "Have it changed, for others have read it, and say there where the new one is found."
        )
        self.findings.append(draft(path, message))
        return reference


def without_secrets(document: dict[str, Data], name: str) -> SecretsTakenOut:
    """Return a copy of `document` whose secrets are references; `name` is the playbook's."""
    taken = SecretsTakenOut(name)
    found = _clean(document, (), taken)
    taken.document = found if isinstance(found, dict) else {}
    return taken


def is_secret_name(name: str) -> bool:
    """Tell whether what stands under this name is a secret."""
    return name.casefold() not in _NOT_SECRET and _NAMES.search(name) is not None


def _clean(value: Data, path: JsonPath, taken: SecretsTakenOut) -> Data:
    if isinstance(value, dict):
        return _clean_object(value, path, taken)
    if isinstance(value, list):
        return [_clean(member, (*path, index), taken) for index, member in enumerate(value)]
    return _clean_text(value, path, taken) if isinstance(value, str) else value


def _clean_object(value: dict[str, Data], path: JsonPath, taken: SecretsTakenOut) -> dict[str, Data]:
    found: dict[str, Data] = {}
    is_kept_elsewhere = value.get("kms") is True
    # The keys of a switch are answers, and those of a workflow and of definitions are identifiers.
    are_names = not (path and path[-1] in ("cases", "workflow"))
    for key, member in value.items():
        here = (*path, key)
        if not are_names or is_kept_elsewhere or "--" in key or not is_secret_name(key):
            found[key] = _clean(member, here, taken)
        elif isinstance(member, dict) and "value" in member:
            found[key] = {**member, "value": _replaced(member["value"], (*here, "value"), taken)}
        else:
            found[key] = _replaced(member, here, taken)
    return _by_reference(value, found, path)


def _replaced(member: Data, path: JsonPath, taken: SecretsTakenOut) -> Data:
    """Return a value that stands under a secret's name, replaced if it is one."""
    if isinstance(member, list):
        return [_replaced(one, (*path, index), taken) for index, one in enumerate(member)]
    if isinstance(member, dict):
        return {key: _replaced(one, (*path, key), taken) for key, one in member.items()}
    if isinstance(member, bool) or member is None or member == "":
        return member
    if isinstance(member, str) and (_VARIABLE.fullmatch(member) or _REFERENCE.fullmatch(member)):
        return member
    return taken.new_reference(path, "by its name")


def _by_reference(before: dict[str, Data], after: dict[str, Data], path: JsonPath) -> dict[str, Data]:
    """Say of authentication info, in the standard's own way, that its secret is kept elsewhere."""
    if not path or path[0] != "authentication_info_definitions":
        return after
    for name in ("password", "token"):
        reference = after.get(name)
        if reference != before.get(name) and isinstance(reference, str):
            return {**after, name: "", "kms": True, "kms_key_identifier": reference}
    return after


def _clean_text(text: str, path: JsonPath, taken: SecretsTakenOut) -> str:
    if path and isinstance(path[-1], str) and path[-1].endswith("_b64") and (inside := _decoded(text)) is not None:
        cleaned = _clean_plain(inside, path, taken)
        return text if cleaned == inside else base64.b64encode(cleaned.encode()).decode()
    return _clean_plain(text, path, taken)


def _clean_plain(text: str, path: JsonPath, taken: SecretsTakenOut) -> str:
    for pattern in _IN_TEXT:
        text = pattern.sub(lambda found: _hidden(found, path, taken), text)
    return text


def _hidden(found: re.Match[str], path: JsonPath, taken: SecretsTakenOut) -> str:
    if _REFERENCE.fullmatch(found["secret"]):
        return found[0]
    start, end = found.start("secret") - found.start(), found.end("secret") - found.start()
    return f"{found[0][:start]}[secret {taken.new_reference(path, 'in a text')}]{found[0][end:]}"


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
