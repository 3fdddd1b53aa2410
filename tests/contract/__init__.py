"""The examples that the original systems print, against a running server.

Only host, port and what the deviations name (a password that is not on every list, a token where
anyone could have acted) differ from what their documents say.
"""
