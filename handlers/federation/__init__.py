"""What centres and the national router ask one another, signed: /federation/v1 (docs/federation.md)."""
