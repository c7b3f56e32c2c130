"""What hospitals ask, signed: /partner/v1 (docs/partner-api.md)."""
