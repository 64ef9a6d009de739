"""The contract of this version: its code, what lies at an address, why it refuses."""
