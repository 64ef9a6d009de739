"""How each event changes a circle's state: the contract's state machine once more, event by event."""
