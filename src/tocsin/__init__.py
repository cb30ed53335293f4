"""Tocsin: breach response and disaster recovery for a firm that holds other people's data."""

__version__ = "0.1.0"
