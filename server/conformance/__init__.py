"""What a hospital's programmer points at a platform (V6): numbered cases, each a few calls over the wire.

It is a client and shares nothing with what it examines but SM2 itself; the strings that are signed and the
envelopes of the dialects are written here once more, from docs/partner-api.md and docs/dialects.md.

credentials.py  who we are, from a file as `ehc demo` writes it
client.py       the signed call, any part of which can be spoiled
holder.py       a made-up resident, where there is a sandbox
case.py         what a case is
spoken.py       the envelopes of the dialects
signing.py · verifying.py · cards.py · ehc.py · tencent.py    the cases
report.py       running them, the table and the JSON
"""
