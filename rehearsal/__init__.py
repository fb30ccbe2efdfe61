"""Migrations rehearsed on data of every former level: killed at every step, and run again."""
