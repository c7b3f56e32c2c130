"""Merchants 商户 (A6.1, P8): an admitted institution as one that is paid through the platform."""
