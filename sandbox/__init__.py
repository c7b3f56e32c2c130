"""Stand-ins for the outside world, on loopback, speaking the real wire protocols.

One process, one port, a path prefix per service:

    /wechat/             mini-program login, phone number, access tokens, subscription messages
    /alipay/gateway.do   the open-platform gateway with RSA2 signatures
    /sms/                a signed text-message gateway, and a page that shows the messages
    /real-name/          the authority that says whether a name and a document number belong together
    /hospital/           a hospital's terminal: a page that reads health cards through the partner API
    /his/v1/             a hospital's own system, docs/his-contract.md; /his/ is its nurse's page
    /control/            a door per service for faults: delay, refuse, lose the answer, repeat, garbage

Nothing but tests and the `demo` command imports this package, and it imports nothing of the platform:
an error in the platform's own cryptography therefore cannot hide by being made twice.
"""
