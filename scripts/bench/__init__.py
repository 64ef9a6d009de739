"""What things cost: seconds, bytes and memory, as Markdown."""
