"""Sealed case files: an archive that a lawyer, insurer or regulator reads in a browser and checks alone."""

from tocsin.incidents.casefile.checking import Checked, verify_case
from tocsin.incidents.casefile.exporting import SealedCase, Wanted, export_case

__all__ = ["Checked", "SealedCase", "Wanted", "export_case", "verify_case"]
