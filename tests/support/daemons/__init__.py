"""Real IPFS daemons, installed once into .cache of this checkout and started by tests."""
