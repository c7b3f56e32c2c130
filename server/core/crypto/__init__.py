"""The national algorithms: SM2 (signatures, key transport), SM3 (digests), SM4 (sealing), and the keys.

    hashes      SM3, HMAC-SM3, comparison in constant time
    sm2         what an SM2 provider must offer, and the formats on the wire
    openssl     that provider on the system's OpenSSL 3
    gmssl_c     that provider on gmssl-pyx, where there is no OpenSSL 3
    provider    which one is used, after a self-test; a hardware provider is plugged in there
    sm4         SM4-GCM
    sealing     personal fields at rest, and the keyed index that finds them
    keyring     which key is current for which purpose, and how a key is wrapped for keeping
    master_key  the one key that is not in the database

Nothing here knows a card, a person or a database, and nothing is kept in a module variable.
"""
