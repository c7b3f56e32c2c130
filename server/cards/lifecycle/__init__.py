"""What happens to a card after its claim (C4): one table of transitions, and how they are stored."""
