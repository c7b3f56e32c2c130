"""What is due when: reminders of visits, of places that are held, of medicine (N1, N4)."""
