"""Asking questions of a run: scenarios to replay, faults, exercises."""
