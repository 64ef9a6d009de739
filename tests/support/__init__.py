"""What tests and scripts share. Imports neither."""
