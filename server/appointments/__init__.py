"""Booking: where hospitals keep their slots, the platform's own pools, one engine for all kinds of slots.

hospitals/    which system each institution has, and what can be booked there (M1)
slots/        pools of the platform, for hospitals without a slot system
booking/      hold, confirm, cancel; exact whoever dies in between (M2)
fairness/     limits, no-shows, and what stops a script that grabs (M7)
examinations/ what goes with what, orders, and plans over several (M3)
"""
