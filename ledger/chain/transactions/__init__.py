"""Bringing a key's transactions into blocks: once each, whatever endpoints and pools do."""
