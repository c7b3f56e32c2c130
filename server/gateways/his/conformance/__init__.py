"""`ehc his-conformance`: what a hospital's programmer points at his own adapter, case by case.

The cases speak as the platform does and look for what docs/his-contract.md promises; the ids stand there too.
"""
