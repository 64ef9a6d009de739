"""Networks of real processes, faults and liars among them."""
