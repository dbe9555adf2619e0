"""One file a command: flags and wiring only. Nothing imports them."""
