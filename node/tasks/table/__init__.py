"""A table of one's own: CSV or Parquet, read by a public schema that all members share."""
