"""What visitors and users write to the people who run the place."""
