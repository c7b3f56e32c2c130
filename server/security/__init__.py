"""What people of the card centre should look at: a holder says "this was not me" (V8)."""
