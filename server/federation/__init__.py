"""Between centres (V5, B1.7): signed calls, certificates and statements, asking and answering.

asking.py     our terminal reads another centre's code: to the router, and what comes back is proven
answering.py  another centre's terminal read one of ours: the same service as for our own terminals
"""
