"""From a task's model to an update and back: layout, training, the private part, the first state."""
