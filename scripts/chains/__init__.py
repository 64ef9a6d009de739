"""Other makers' chains beside ours."""
