"""What an organisation may be regulated as, beside being a controller or processor."""

from enum import StrEnum


class Regulated(StrEnum):
    """The words of `organisation.regulated_as` in tocsin.yaml, and of the regimes' `who`."""

    ELECTRONIC_COMMUNICATIONS = "electronic_communications"
    DIGITAL_SERVICE = "digital_service"
    ESSENTIAL_SERVICE = "essential_service"
    MANAGED_SERVICE = "managed_service"
    TELECOMS = "telecoms"
    TRUST_SERVICE = "trust_service"
    FCA = "fca"
    SRA = "sra"
    BAR = "bar"
    SCOTTISH_SOLICITORS = "scottish_solicitors"
    CHARITY_ENGLAND_WALES = "charity_england_wales"
    CHARITY_SCOTLAND = "charity_scotland"
    CHARITY_NORTHERN_IRELAND = "charity_northern_ireland"
    NHS_DATA = "nhs_data"
    CARE_PROVIDER = "care_provider"
    LISTED_ISSUER = "listed_issuer"


class Size(StrEnum):
    """`small`: fewer than 50 staff and a turnover or balance sheet under ten million euros."""

    SMALL = "small"
    LARGER = "larger"
