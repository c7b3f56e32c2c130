"""A visit to a hospital: arriving, being called, and where to go next (M4, M5; B3.1.1, B4.1.4, B4.1.5).

model.py       what a visit is: its events so far, what is still to do, the next place and task
guidance.py    the table event → tasks done and tasks begun, as data
arrival.py     check-in by place: sure inside, sure outside, or cannot tell
desk_code.py   check-in by scan: the text of the code at a desk
service.py     a visit begins, is checked in, is read by its resident
told.py        what a hospital tells us of a visit and of its own queue
queues/        the platform's own queues, for hospitals without one
"""
