"""A circle under test: the contract on a bare machine, its twin beside it, and ways to drive both."""
