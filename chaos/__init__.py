"""Proves what happens to acknowledged writes when processes are killed under load."""
