"""What the tests of the ledger share."""

from hypothesis import settings

# How fast a machine is, is no property of the code.
settings.register_profile("ledger", deadline=None, print_blob=True)
settings.load_profile("ledger")
