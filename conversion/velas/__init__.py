"""Other versions of Vela than the installed one: which there are, and each in an environment of its own."""
