"""One self-contained page about a circle's audit, with a reader in it that checks the evidence by itself."""
