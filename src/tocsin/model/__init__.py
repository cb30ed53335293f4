"""The words a firm writes in its workspace, as types: pure, no I/O, no clock, no randomness."""
