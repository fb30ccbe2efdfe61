"""A model of the log and the sync protocol, small enough to look at every state of it."""
