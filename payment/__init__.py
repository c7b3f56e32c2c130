"""Bills, ledger, splitting, settlement, reconciliation.  Nothing of it is built yet (docs/status.md, P1–P9).

The package stands here so that the import rules hold from the first commit.
"""
