"""The fixed words of breach facts, the inventory and the workspace, each set defined once.

Workspace files, facts and rules all take their words from here; the law builds its rules on the same
enums, and the JSON Schemas for editors list them. The meaning of each data code's label is data too:
`LABEL_OF_CODE` says how carefully a code must be handled.
"""

from enum import StrEnum


class Role(StrEnum):
    """What we are for the personal data concerned (UK GDPR Art 4(7), 4(8), 26)."""

    CONTROLLER = "controller"
    PROCESSOR = "processor"
    JOINT_CONTROLLER = "joint_controller"


class OrganisationRole(StrEnum):
    """What the organisation is in general: `both` for a firm that also holds its own staff and contacts."""

    CONTROLLER = "controller"
    PROCESSOR = "processor"
    BOTH = "both"


class YesNo(StrEnum):
    """A settled answer; `unknown` is its own word and never means no."""

    YES = "yes"
    NO = "no"


class YesNoUnknown(StrEnum):
    """An answer that may still be open."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """What a breach did to the data (Art 4(12))."""

    CONFIDENTIALITY = "confidentiality"
    INTEGRITY = "integrity"
    AVAILABILITY = "availability"


class Cause(StrEnum):
    """How a breach came about."""

    RANSOMWARE = "ransomware"
    MALWARE = "malware"
    PHISHING = "phishing"
    MAILBOX_TAKEOVER = "mailbox_takeover"
    CREDENTIAL_ATTACK = "credential_attack"
    EXPLOITED_VULNERABILITY = "exploited_vulnerability"
    VULNERABILITY = "vulnerability"
    MISCONFIGURATION = "misconfiguration"
    INSIDER = "insider"
    IMPERSONATION = "impersonation"
    MISDIRECTED_EMAIL = "misdirected_email"
    OPEN_RECIPIENTS = "open_recipients"
    MISDIRECTED_POST = "misdirected_post"
    FAILED_REDACTION = "failed_redaction"
    VERBAL_DISCLOSURE = "verbal_disclosure"
    LOST_DEVICE = "lost_device"
    STOLEN_DEVICE = "stolen_device"
    LOST_PAPER = "lost_paper"
    STOLEN_PAPER = "stolen_paper"
    DELETION = "deletion"
    OUTAGE = "outage"
    OTHER = "other"


class Intent(StrEnum):
    """Whether somebody meant it, and who."""

    MALICIOUS_EXTERNAL = "malicious_external"
    MALICIOUS_INTERNAL = "malicious_internal"
    ACCIDENTAL = "accidental"
    TECHNICAL = "technical"


class DataCode(StrEnum):
    """What the data says of a person."""

    NAME = "name"
    CONTACT = "contact"
    ADDRESS = "address"
    DATE_OF_BIRTH = "date_of_birth"
    EMPLOYMENT = "employment"
    EDUCATION = "education"
    ORDER_HISTORY = "order_history"
    VEHICLE = "vehicle"
    PHOTO = "photo"
    COMMUNICATIONS = "communications"
    OTHER = "other"
    LOCATION = "location"
    USAGE_PROFILE = "usage_profile"
    PURCHASE_PROFILE = "purchase_profile"
    BANK_ACCOUNT = "bank_account"
    PAYMENT_CARD = "payment_card"
    SALARY = "salary"
    FINANCIAL_DETAIL = "financial_detail"
    INSURANCE = "insurance"
    NATIONAL_ID = "national_id"
    ID_DOCUMENT = "id_document"
    CREDENTIALS = "credentials"
    HEALTH = "health"
    ETHNICITY = "ethnicity"
    POLITICS = "politics"
    RELIGION = "religion"
    TRADE_UNION = "trade_union"
    SEX_LIFE = "sex_life"
    GENETIC = "genetic"
    BIOMETRIC = "biometric"
    CRIMINAL = "criminal"


class DataFamily(StrEnum):
    """The five families the data codes fall into."""

    ORDINARY = "ordinary"
    BEHAVIOUR = "behaviour"
    MONEY = "money"
    IDENTITY = "identity"
    SPECIAL = "special"


FAMILY_CODES: dict[DataFamily, frozenset[DataCode]] = {
    DataFamily.ORDINARY: frozenset(
        {
            DataCode.NAME,
            DataCode.CONTACT,
            DataCode.ADDRESS,
            DataCode.DATE_OF_BIRTH,
            DataCode.EMPLOYMENT,
            DataCode.EDUCATION,
            DataCode.ORDER_HISTORY,
            DataCode.VEHICLE,
            DataCode.PHOTO,
            DataCode.COMMUNICATIONS,
            DataCode.OTHER,
        }
    ),
    DataFamily.BEHAVIOUR: frozenset({DataCode.LOCATION, DataCode.USAGE_PROFILE, DataCode.PURCHASE_PROFILE}),
    DataFamily.MONEY: frozenset(
        {
            DataCode.BANK_ACCOUNT,
            DataCode.PAYMENT_CARD,
            DataCode.SALARY,
            DataCode.FINANCIAL_DETAIL,
            DataCode.INSURANCE,
        }
    ),
    DataFamily.IDENTITY: frozenset({DataCode.NATIONAL_ID, DataCode.ID_DOCUMENT, DataCode.CREDENTIALS}),
    DataFamily.SPECIAL: frozenset(
        {
            DataCode.HEALTH,
            DataCode.ETHNICITY,
            DataCode.POLITICS,
            DataCode.RELIGION,
            DataCode.TRADE_UNION,
            DataCode.SEX_LIFE,
            DataCode.GENETIC,
            DataCode.BIOMETRIC,
            DataCode.CRIMINAL,
        }
    ),
}
"""Every data code once; `special` holds the special categories (Art 9) and criminal offence data (Art 10)."""


class Label(StrEnum):
    """How a dataset must be handled, least careful first."""

    TRANSACTIONAL = "transactional"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


LABEL_OF_CODE: dict[DataCode, Label] = {
    code: (
        Label.SENSITIVE
        if family in {DataFamily.MONEY, DataFamily.IDENTITY, DataFamily.SPECIAL}
        else Label.TRANSACTIONAL
        if code is DataCode.ORDER_HISTORY
        else Label.PERSONAL
    )
    for family, codes in FAMILY_CODES.items()
    for code in sorted(codes)
}
"""The least careful label a dataset holding that code may carry."""


class Insight(StrEnum):
    """How much this data really reveals of a person, least first."""

    NONE = "none"
    LITTLE = "little"
    ORDINARY = "ordinary"
    DETAILED = "detailed"


class PeopleGroup(StrEnum):
    """Whom the data is about."""

    CUSTOMER = "customer"
    EMPLOYEE = "employee"
    APPLICANT = "applicant"
    PATIENT = "patient"
    STUDENT = "student"
    CHILD = "child"
    VULNERABLE_ADULT = "vulnerable_adult"
    USER = "user"
    CLIENT_CONTACT = "client_contact"
    OTHER = "other"


class CountBasis(StrEnum):
    """How a number of people was arrived at."""

    EXACT = "exact"
    ESTIMATE = "estimate"


class Identification(StrEnum):
    """How easily a person is recognised in the data."""

    DIRECT = "direct"
    INDIRECT = "indirect"
    PSEUDONYMOUS = "pseudonymous"
    NONE = "none"


class ProtectionState(StrEnum):
    """What stood between the data and a reader."""

    NONE = "none"
    ENCRYPTED = "encrypted"
    HASHED_STRONG = "hashed_strong"
    HASHED_WEAK = "hashed_weak"
    PSEUDONYMISED = "pseudonymised"


class KeyState(StrEnum):
    """Whether the key to protected data is still ours alone."""

    SAFE = "safe"
    EXPOSED = "exposed"


class Exfiltration(StrEnum):
    """Whether data left."""

    RULED_OUT = "ruled_out"
    UNLIKELY = "unlikely"
    POSSIBLE = "possible"
    CONFIRMED = "confirmed"
    PUBLISHED = "published"
    NOT_APPLICABLE = "not_applicable"


class Logs(StrEnum):
    """Whether the logs can bear out what is said of exfiltration."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    MISSING = "missing"
    NOT_APPLICABLE = "not_applicable"


class RecipientType(StrEnum):
    """Who received data that was not meant for them."""

    NONE = "none"
    COLLEAGUE = "colleague"
    TRUSTED = "trusted"
    KNOWN = "known"
    MANY = "many"
    UNIDENTIFIED = "unidentified"
    ATTACKER = "attacker"
    PUBLIC = "public"


class Deletion(StrEnum):
    """What the recipient says of deleting it."""

    CONFIRMED = "confirmed"
    REQUESTED = "requested"
    REFUSED = "refused"


class BackupState(StrEnum):
    """What is left to restore from."""

    INTACT = "intact"
    PARTIAL = "partial"
    PAPER_ONLY = "paper_only"
    LOST = "lost"
    NONE = "none"


class ServiceImpact(StrEnum):
    """What people felt of an interruption."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CARE_OR_SAFETY = "care_or_safety"


class SystemKind(StrEnum):
    """What kind of thing holds datasets."""

    FILE_SHARE = "file_share"
    DATABASE = "database"
    MAILBOX = "mailbox"
    LAPTOP = "laptop"
    PHONE = "phone"
    LOCAL_DRIVE = "local_drive"
    WEBSITE = "website"
    SAAS = "saas"
    SERVER = "server"
    REMOVABLE = "removable"
    PAPER = "paper"
    OTHER = "other"


class PersonRole(StrEnum):
    """What a person does when a breach is answered."""

    COMMANDER = "commander"
    DPO = "dpo"
    TECHNICAL = "technical"
    COMMUNICATIONS = "communications"
    DIRECTOR = "director"
    LEGAL = "legal"
    REVIEWER = "reviewer"


class MailSecurity(StrEnum):
    """How the mail server is spoken to."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class LawfulBasis(StrEnum):
    """Why the data may be held (Art 6(1)); `on_instructions` where a client decides that, not we."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"
    RECOGNISED_LEGITIMATE_INTEREST = "recognised_legitimate_interest"
    ON_INSTRUCTIONS = "on_instructions"
