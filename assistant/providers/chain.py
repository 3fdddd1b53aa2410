"""Who answers: the configured providers in turn, the embedded one last, which needs nothing."""
