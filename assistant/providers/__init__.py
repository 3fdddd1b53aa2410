"""Those who answer: each capability behind one protocol (base), tried in turn (chain)."""
