"""The national router 国家卡管 (V5, B1.7): admits centres, passes scans on by EHCAPPID, counts routes.

It sees a scan pass and keeps nothing of it but a count.
"""
