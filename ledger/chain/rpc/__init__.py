"""JSON-RPC endpoints: asked with patience, several of one chain, and believed in nothing unchecked."""
