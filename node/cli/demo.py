"""`folkmoot demo`: the whole network on this machine, poisoners included, audited at the end."""
