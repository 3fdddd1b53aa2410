"""Exnova and IQ Option: two brands of one platform, told apart by their hosts."""
