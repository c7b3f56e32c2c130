"""Papers that go with a claim: photographs of a document or a guardianship order, for reviewers' eyes."""
