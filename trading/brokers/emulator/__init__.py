"""A stand-in for the platform of Exnova and IQ Option, on this machine alone.

It speaks the same HTTP and WebSocket as they do, out of a seed and a clock of its own, and keeps a
ledger of every order that took effect. Its control gives the faults of a bad day to tests.
"""
