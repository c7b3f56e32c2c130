"""HTTP ↔ domain, and nothing else.

routes.py           the table of routes, read it first
base.py             reading a request, answering it, error → status
requests.py         `@operation`: the typed shape of one method of one route
authentication.py   who is asking: resident session, partner signature
scopes.py           what a partner may be allowed to do, as sentences
openapi.py          the route table as an OpenAPI 3.1 document, and /docs
"""
