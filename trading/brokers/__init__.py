"""Brokers behind one Protocol: `base` says what they share."""
