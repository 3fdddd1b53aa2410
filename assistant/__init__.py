"""The assistant: what it sees in pictures."""
