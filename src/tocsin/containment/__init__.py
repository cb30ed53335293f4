"""Containing a breach: cutting a machine off, locking accounts out, taking keys back, and undoing each of them.

Every act here has the same shape: look · write down how it was · change · look again. Looking and changing are
functions of their own, so that the step in between can be made durable by whoever calls them. What an act needs to
be undone is small, holds no secret, and is found before anything changes.
"""
