"""The worked examples under docs/examples: their data, and the tables in their pages."""
