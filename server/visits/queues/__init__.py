"""Queues that outlive every process: tokens, order by rule, calls, missed calls and returns (M4)."""
