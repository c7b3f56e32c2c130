"""A hospital's own system (HIS): what we ask it.  docs/his-contract.md is the contract with its makers."""
