"""From one photograph to twelve views."""
