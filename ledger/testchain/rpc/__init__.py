"""The local chain's JSON-RPC: methods, parameters, views, subscriptions. No connection is known here."""
