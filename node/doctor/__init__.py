"""What a node needs, looked at without changing anything: before it is started, or where something is wrong."""
