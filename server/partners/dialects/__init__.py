"""Dialects existing hospital software speaks (V6): `ehc.*` and the Tencent style, switched on per app."""
