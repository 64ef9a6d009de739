"""What a circle trains: the interface of a task, and those that ship."""
