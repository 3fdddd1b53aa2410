"""Real servers for tests, each on a free port with its own folder: found, started and stopped."""
