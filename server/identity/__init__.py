"""The person index (EMPI, B1): one `Person` for each human being, found by document."""
